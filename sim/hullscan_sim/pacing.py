"""Keeps simulated time to real time: the only module of the simulator that looks at the computer's clock."""

from __future__ import annotations

import time

__all__ = ["Pacer", "utc_now_s"]


def utc_now_s() -> float:
    """UTC seconds now: when a simulation starts."""
    return time.time()


class Pacer:
    """Waits until real time has caught up with simulated time.

    A simulation that falls behind is not hurried afterwards: beyond ``SLACK_S`` the lost time is given up, so
    that simulated time slows down and nothing in it is distorted.

    Args:
        speedup: simulated seconds for each real one; infinity never waits.
    """

    SLACK_S = 0.1
    LEAST_SLEEP_S = 0.001

    def __init__(self, speedup: float) -> None:
        self._speedup = speedup
        self._start_real_s: float | None = None
        self.given_up_s = 0.0

    def wait(self, simulated_s: float) -> None:
        """Sleep until it is time for this moment."""
        if self._speedup == float("inf"):
            return
        now_s = time.monotonic()
        if self._start_real_s is None:
            self._start_real_s = now_s - simulated_s / self._speedup
        ahead_s = self._start_real_s + simulated_s / self._speedup - now_s
        if ahead_s >= self.LEAST_SLEEP_S:
            time.sleep(ahead_s)
        elif ahead_s < -self.SLACK_S:
            self._start_real_s -= ahead_s + self.SLACK_S
            self.given_up_s -= ahead_s + self.SLACK_S
