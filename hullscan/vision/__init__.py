"""Seeing: detector run times, tracks, data sets, training."""
