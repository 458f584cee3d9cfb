"""ArduSub's flight modes by name (ArduSub 4.1 to 4.7, ``control_mode_t``; ardusub.md 2.3)."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["HOLDING_MODES", "Mode", "mode_name"]


class Mode(IntEnum):
    """HEARTBEAT.custom_mode of ArduSub."""

    STABILIZE = 0
    ACRO = 1
    ALT_HOLD = 2
    AUTO = 3
    GUIDED = 4
    CIRCLE = 7
    SURFACE = 9
    POSHOLD = 16
    MANUAL = 19
    MOTOR_DETECT = 20
    SURFTRAK = 21


HOLDING_MODES = (Mode.POSHOLD, Mode.ALT_HOLD)
"""Modes that stay at their depth without setpoints, the best first."""


def mode_name(custom_mode: int) -> str:
    """Name of a mode, or ``mode 99`` for one that this table does not have."""
    try:
        return Mode(custom_mode).name
    except ValueError:
        return f"mode {custom_mode}"
