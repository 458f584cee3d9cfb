"""Flight modes of ArduSub: numbers, names, what they need, and what refuses them."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["GUIDED_BIT", "Mode", "refusal"]


class Mode(IntEnum):
    """``custom_mode`` of HEARTBEAT."""

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


GUIDED_BIT = frozenset({Mode.AUTO, Mode.GUIDED, Mode.CIRCLE, Mode.POSHOLD})
"""Modes in which HEARTBEAT.base_mode has the guided bit (8)."""

_NEEDS_POSITION = frozenset({Mode.AUTO, Mode.GUIDED, Mode.CIRCLE})


def refusal(number: int, *, position_ok: bool, mission_items: int = 0) -> str | None:
    """Why a mode cannot be entered, in the autopilot's words; None when it can."""
    try:
        mode = Mode(number)
    except ValueError:
        return f"No such mode {number}"
    if mode in _NEEDS_POSITION and not position_ok:
        return f"Mode change failed: {mode.name} requires position"
    if (mode is Mode.POSHOLD and not position_ok) or (mode is Mode.AUTO and mission_items < 2):
        return f"Flight mode change failed {mode.name}"
    return None
