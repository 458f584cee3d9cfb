"""Seeing: detector run times, tracks, data sets, training."""

import os

# ONNX Runtime 1.32 looks up its maker's telemetry in native code as soon as it is imported, and keeps a device's number
# in the home folder; asked not to after the import, it has done so already
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
