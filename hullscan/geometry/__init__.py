"""Frames, poses and the camera: what the rest of the house computes with."""
