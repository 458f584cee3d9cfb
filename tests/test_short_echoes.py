"""A sensor that vouches for a distance at which nothing is: the first short readings wait for more of their kind."""

from __future__ import annotations

import numpy as np
import pytest

from hullscan.vehicle.echoes import ShortEchoes

STEADY = [(0.1 * index, 1.7) for index in range(20)]


@pytest.mark.parametrize(
    ("readings", "suspect"),
    [
        pytest.param([(2.0, 0.1), (2.1, 1.7)], [True, False], id="one short reading among others"),
        pytest.param([(7.0, 0.1), (7.1, 1.7)], [True, False], id="the first one after five seconds of silence"),
        pytest.param([(7.0, 0.1), (7.1, 0.1), (7.2, 0.1)], [True, True, False], id="after silence it persists"),
        pytest.param([(30.0, 0.6)], [False], id="after half a minute nobody knows what was usual"),
        pytest.param([(30.0, 0.3), (30.1, 0.3), (30.2, 0.3)], [True, True, False], id="but what is near must persist"),
        pytest.param([(7.0, 1.0)], [False], id="nearer than before, but not by half"),
    ],
)
def test_which_readings_are_suspect(readings: list[tuple[float, float]], suspect: list[bool]) -> None:
    echoes = ShortEchoes(1)
    valid = np.ones(1, dtype=np.bool_)
    for utc_s, distance_m in STEADY:
        assert not echoes.flag(utc_s, np.array([distance_m]), valid)[0]
    assert [bool(echoes.flag(utc_s, np.array([d]), valid)[0]) for utc_s, d in readings] == suspect
