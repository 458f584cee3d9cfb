"""How the state moves on from one report to the next.

Steel turns the compass, differently at each place, and with it the estimator's heading and its whole local frame
about the vehicle. In the coordinates of the state that changes the heading alone. The gyro does not feel steel, so
what the estimator turned beyond the gyro is taken as steel's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array, Pose, wrap_pi
from hullscan.pilot.registration import state as s
from hullscan.pilot.registration.noise import RegistrationNoise
from hullscan.vehicle.protocol import RangeReport

__all__ = ["STILL", "Motion", "between", "moved_on", "together"]

_JUMP_M, _JUMP_MPS = 0.10, 0.25  # estimator and DVL agree better than this unless one of them is wrong
_FASTEST_MPS = 1.5  # a BlueROV2 at full power
_LONGEST_S = 1.5  # between two velocities that are joined by a straight line
_ALIKE_S = 1.0  # for so long an estimator that goes by something else is wrong in one direction, a gap as a whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Motion:
    """From one report to the next; several of them one below the other have one more axis in front.

    Attributes:
        step_ned_m: (3,) of the vehicle.
        elapsed_s: between them.
        turned_by_steel_rad: what the estimator's heading turned beyond the gyro; 0 when no gyro is given.
        has_gyro: whether one is given.
        noise: (12,) variances that it adds.
        keeps_skin: share of the skin's error that is still the same.
        astray_m: how far dead reckoning has gone astray since a velocity over the hull was last measured.
    """

    step_ned_m: Array
    elapsed_s: float | Array
    turned_by_steel_rad: float | Array
    has_gyro: bool | npt.NDArray[np.bool_]
    noise: Array
    keeps_skin: float | Array
    astray_m: float = 0.0


STILL = Motion(
    step_ned_m=np.zeros(3), elapsed_s=0.0, turned_by_steel_rad=0.0, has_gyro=False, noise=np.zeros(s.SIZE),
    keeps_skin=1.0,
)  # fmt: skip
"""Before the first report."""


def between(
    before: tuple[Pose, RangeReport],
    now: tuple[Pose, RangeReport],
    turned_rad: float | None,
    noise: RegistrationNoise,
    adrift: bool = False,
    astray_m: float | None = 0.0,
) -> Motion:
    """The motion between two reports, each with the estimator's pose at its time.

    The estimator's step counts, unless the DVL contradicts it (a reset, a jump). Without a velocity over the hull
    the estimator coasts, and its error grows with time: it goes on in the direction in which it went wrong, however
    many reports without a velocity come meanwhile.

    Args:
        turned_rad: how far the vehicle turned meanwhile, by its gyro.
        adrift: the estimator has given up knowing where it is, or has begun anew since without a velocity.
        astray_m: of the motion before, if no velocity was measured at its end; None for a sensor that measures none:
            the estimator then goes by something else, and does not lose its way when this one is silent.
    """
    (pose_before, report_before), (pose, report) = before, now
    elapsed_s = max(report.utc_s - report_before.utc_s, 0.0)
    step = np.asarray(pose.position_m - pose_before.position_m)
    measured = _by_velocity(before, now, elapsed_s)
    jumped = False
    if measured is not None and np.linalg.norm((measured - step)[:2]) > _JUMP_M + _JUMP_MPS * elapsed_s:
        # either may be wrong: believe the velocity, but not much
        step, jumped = np.append(measured[:2], step[2]), True
    turned_by_steel = 0.0
    turn = noise.compass_walk_radps**2 * elapsed_s * max(elapsed_s, _ALIKE_S) / _ALIKE_S
    if turned_rad is not None:
        yaw, yaw_before = (p.rotation.as_euler("ZYX")[0] for p in (pose, pose_before))
        turned_by_steel, turn = wrap_pi(float(yaw - yaw_before) - turned_rad), noise.gyro_radps**2 * elapsed_s
    place = noise.drift_mps**2 * elapsed_s
    after_m = 0.0
    if measured is None and astray_m is not None:
        farther_m = noise.reckoning.astray_m(elapsed_s, lost=adrift, before_m=astray_m)
        place += farther_m**2 - astray_m**2
        after_m = farther_m if report.velocity_frd_mps is None else 0.0
    elif measured is None or jumped:
        alike_s = max(elapsed_s, _ALIKE_S)
        place += noise.reckoning.astray_m(alike_s, lost=adrift) ** 2 * elapsed_s / alike_s
    kept = float(np.exp(-np.linalg.norm(step) / noise.skin_way_m))
    added = np.zeros(s.SIZE)
    added[[s.ALONG, s.ACROSS]] = place
    added[s.HEADING] = turn
    added[s.WATERLINE] = noise.waterline_walk_mps**2 * elapsed_s
    added[s.GYRO_BIAS] = noise.gyro_bias_walk_radps**2 * elapsed_s
    added[s.SKIN] = noise.skin_m**2 * (1 - kept**2)
    return Motion(
        step_ned_m=step,
        elapsed_s=elapsed_s,
        turned_by_steel_rad=turned_by_steel,
        has_gyro=turned_rad is not None,
        noise=added,
        keeps_skin=kept,
        astray_m=after_m,
    )


def _by_velocity(before: tuple[Pose, RangeReport], now: tuple[Pose, RangeReport], elapsed_s: float) -> Array | None:
    """(3,) ned step by the velocities of two reports; None where they do not tell."""
    if not 0 < elapsed_s < _LONGEST_S:
        return None
    velocities = []
    for pose, report in (before, now):
        velocity = report.velocity_frd_mps
        if velocity is None or np.linalg.norm(velocity) > _FASTEST_MPS:
            return None
        velocities.append(pose.rotation.apply(velocity))
    return np.asarray(np.mean(velocities, axis=0) * elapsed_s, dtype=np.float64)


def moved_on(states: Array, motion: Motion) -> tuple[Array, Array]:
    """(k, 12) states after a motion, or each after its own of k motions, and the (k, 12, 12) transitions."""
    ahead = s.level(states[:, s.HEADING], motion.step_ned_m)
    step = s.tilted(states[:, s.TRIM], states[:, s.LIST], ahead) * (1 + states[:, s.SCALE, None])
    after = states.copy()
    after[:, s.ALONG] += step[:, 0]
    after[:, s.ACROSS] += step[:, 1]
    after[:, s.SKIN] *= np.reshape(motion.keeps_skin, (-1, 1))
    transition = np.broadcast_to(np.eye(s.SIZE), (len(states), s.SIZE, s.SIZE)).copy()
    transition[:, s.ALONG, s.HEADING], transition[:, s.ACROSS, s.HEADING] = step[:, 1], -step[:, 0]
    transition[:, s.ALONG, s.SCALE], transition[:, s.ACROSS, s.SCALE] = ahead[:, 0], ahead[:, 1]
    transition[:, s.ALONG, s.TRIM], transition[:, s.ACROSS, s.LIST] = -ahead[:, 2], ahead[:, 2]
    skin = np.arange(s.SKIN.start, s.SKIN.stop)
    transition[:, skin, skin] = np.reshape(motion.keeps_skin, (-1, 1))
    by_gyro_s = np.where(motion.has_gyro, motion.elapsed_s, 0.0)
    after[:, s.HEADING] += np.where(motion.has_gyro, motion.turned_by_steel_rad, 0.0)
    after[:, s.HEADING] += states[:, s.GYRO_BIAS] * by_gyro_s
    transition[:, s.HEADING, s.GYRO_BIAS] = by_gyro_s
    return after, transition


def together(motions: Sequence[Motion]) -> Motion:
    """n motions one below the other."""
    return Motion(
        step_ned_m=np.reshape([m.step_ned_m for m in motions], (-1, 3)),
        elapsed_s=np.array([m.elapsed_s for m in motions], dtype=np.float64),
        turned_by_steel_rad=np.array([m.turned_by_steel_rad for m in motions], dtype=np.float64),
        has_gyro=np.array([m.has_gyro for m in motions], dtype=np.bool_),
        noise=np.reshape([m.noise for m in motions], (-1, s.SIZE)),
        keeps_skin=np.array([m.keeps_skin for m in motions], dtype=np.float64),
    )
