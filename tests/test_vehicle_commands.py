import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hullscan.errors import RefusedError
from hullscan.vehicle.commands import (
    RUN_ON_S,
    CommandLimits,
    HoldPosition,
    ManualControl,
    PositionVelocityYaw,
    SetLights,
    SetTilt,
    clip,
    vector,
)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LIMITS = CommandLimits(min_depth_m=0.3, max_speed_mps=0.5)

CLIPPED = {
    "what is within the limits stays as it is": (
        PositionVelocityYaw((1.0, 2.0, 3.0), (0.3, 0.0, 0.1), 0.5),
        PositionVelocityYaw((1.0, 2.0, 3.0), (0.3, 0.0, 0.1), 0.5),
    ),
    "a target above the surface is put under it": (
        HoldPosition((1.0, 2.0, -1.0), 0.0),
        HoldPosition((1.0, 2.0, 0.3), 0.0),
    ),
    "a fast velocity keeps its direction": (
        PositionVelocityYaw((0.0, 0.0, 5.0), (3.0, 4.0, 0.0), 0.0),
        PositionVelocityYaw((0.0, 0.0, 5.0), (0.3, 0.4, 0.0), 0.0),
    ),
    "rising at the least depth is stopped": (
        PositionVelocityYaw((0.0, 0.0, 0.1), (0.0, 0.0, -0.2), 0.0),
        PositionVelocityYaw((0.0, 0.0, 0.3), (0.0, 0.0, 0.0), 0.0),
    ),
    "rising near the surface may not run on above it": (
        PositionVelocityYaw((0.0, 0.0, 0.6), (0.0, 0.0, -0.4), 0.0),
        PositionVelocityYaw((0.0, 0.0, 0.6), (0.0, 0.0, -0.1), 0.0),
    ),
    "headings are wrapped": (HoldPosition((0.0, 0.0, 1.0), 3 * math.pi), HoldPosition((0.0, 0.0, 1.0), -math.pi)),
    "sticks stay on their gate": (ManualControl(2000, -3000, -5, 1), ManualControl(1000, -1000, 0, 1)),
    "a pitch stays on its channel": (ManualControl(s=-900), ManualControl(s=-400)),
    "sticks at rest are neutral": (ManualControl(), ManualControl(0, 0, 500, 0)),
    "lamps are at most full": (SetLights(1.5), SetLights(1.0)),
    "the camera tilts within its mount": (SetTilt(-2.0), SetTilt(-math.radians(45.0))),
}


@pytest.mark.parametrize(("wish", "sent"), CLIPPED.values(), ids=CLIPPED.keys())
def test_commands_are_clipped_to_the_limits(wish, sent):
    clipped = clip(wish, LIMITS)
    assert type(clipped) is type(sent)
    if isinstance(sent, PositionVelocityYaw):
        assert clipped.position_ned_m == pytest.approx(sent.position_ned_m)
        assert clipped.velocity_ned_mps == pytest.approx(sent.velocity_ned_mps)
    else:
        assert clipped == sent


NOT_FINITE = {
    "a position": HoldPosition((math.nan, 0.0, 1.0), 0.0),
    "a velocity": PositionVelocityYaw((0.0, 0.0, 1.0), (math.inf, 0.0, 0.0), 0.0),
    "a heading": PositionVelocityYaw((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), math.nan),
    "a stick": ManualControl(x=math.nan),
    "the lamps": SetLights(math.nan),
    "the tilt": SetTilt(math.inf),
}


@pytest.mark.parametrize("wish", NOT_FINITE.values(), ids=NOT_FINITE.keys())
def test_what_is_not_finite_is_never_sent(wish):
    with pytest.raises(RefusedError, match="not finite was not sent"):
        clip(wish, LIMITS)


NUMBER = st.floats(-1e6, 1e6)


@PATIENT
@given(st.tuples(NUMBER, NUMBER, NUMBER), st.tuples(NUMBER, NUMBER, NUMBER), NUMBER)
def test_no_setpoint_leads_out_of_the_water_or_beyond_the_speed(position, velocity, yaw):
    sent = clip(PositionVelocityYaw(position, velocity, yaw), LIMITS)
    depth_m, climb_mps = sent.position_ned_m[2], sent.velocity_ned_mps[2]
    assert depth_m >= LIMITS.min_depth_m
    assert depth_m + RUN_ON_S * climb_mps >= LIMITS.min_depth_m - 1e-9
    assert math.hypot(*sent.velocity_ned_mps) <= LIMITS.max_speed_mps + 1e-9
    assert -math.pi <= sent.yaw_rad < math.pi + 1e-9
    assert clip(sent, LIMITS).velocity_ned_mps == pytest.approx(sent.velocity_ned_mps)


def test_an_array_becomes_a_vector_of_plain_numbers():
    made = vector(np.array([1.0, 2.0, 3.0]))
    assert made == (1.0, 2.0, 3.0)
    assert all(type(value) is float for value in made)
