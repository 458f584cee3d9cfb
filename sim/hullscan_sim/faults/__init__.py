"""Faults as data: what a scenario's ``faults:`` may say, and what each entry does to the vehicle and its world.

``kinds`` holds the entries (one frozen dataclass for each kind, its keys typed and with units), ``injector`` turns
those that act now into effects, ``tether``, ``link`` and ``station`` are the effects that need a body of their own.
What a fault of the camera or a move of the ship does follows from the scenario and the time alone, so the camera's
own process works it out for itself (``camera.stream``, ``mooring``).
"""
