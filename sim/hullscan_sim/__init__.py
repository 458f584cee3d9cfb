"""A BlueROV2-class vehicle beside a ship, reached only over MAVLink, DVL JSON and RTP."""

import os

# Before NumPy loads: the simulator, its camera and the generator's workers are a process each, and the threads that
# OpenBLAS would start in every one of them wait for each other spinning. On 2 cores frames took three times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
