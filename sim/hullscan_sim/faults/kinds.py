"""The entries of ``faults:``; every one has ``at_s``, ``kind`` and ``for_s``, and the keys of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from hullscan.documents import OneOf
from hullscan.units import Depth, HeadingDeg, NonNegative, Positive, Share, SignedDeg

__all__ = [
    "KINDS", "BatterySag", "CompassJump", "CurrentGust", "DepthSensorLoss", "DvlDropout", "Fault", "Leak",
    "LightFailure", "LinkBurstLoss", "LinkLoss", "OperatorTakesOver", "OtherStationHeartbeat", "PositionLoss",
    "PressureGlitch", "PropellerStarts", "ShipMoves", "TetherPull", "TetherSnag", "ThrusterDead", "ThrusterFouled",
    "Timed", "VideoFreeze", "VideoLoss",
]  # fmt: skip

Motor = Annotated[int, Ge(1), Le(8)]
SignedShare = Annotated[float, Ge(-1), Le(1)]
SystemId = Annotated[int, Ge(1), Le(255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What all faults have.

    Attributes:
        at_s: begin, seconds of simulated time after power-up.
        for_s: how long it acts; without it, to the end of the run.
    """

    at_s: NonNegative
    for_s: Positive = 1e9

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.at_s + self.for_s

    def acts(self, time_s: float) -> bool:
        """Whether it acts at a moment."""
        return self.at_s <= time_s < self.end_s


@dataclass(frozen=True, slots=True, kw_only=True)
class DvlDropout(Timed):
    """The DVL hears no echo: reports go on, invalid."""

    kind: Literal["dvl_dropout"] = "dvl_dropout"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionLoss(Timed):
    """Velocities (or fixes) no longer reach the autopilot; the DVL's own reports go on."""

    kind: Literal["position_loss"] = "position_loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrusterDead(Timed):
    """A motor gives no force and draws nothing."""

    kind: Literal["thruster_dead"] = "thruster_dead"
    thruster: Motor


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrusterFouled(Timed):
    """Line or weed in a propeller: a share of the thrust is left, at the full electrical power."""

    kind: Literal["thruster_fouled"] = "thruster_fouled"
    thruster: Motor
    thrust_left: Share = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak(Timed):
    """Water at the leak sensor."""

    kind: Literal["leak"] = "leak"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatterySag(Timed):
    """A weak cell or a bad contact: the voltage under load drops."""

    kind: Literal["battery_sag"] = "battery_sag"
    drop_v: Annotated[float, Gt(0), Le(10)] = 2.4


@dataclass(frozen=True, slots=True, kw_only=True)
class TetherSnag(Timed):
    """The tether is caught near where the vehicle is when it begins; it gets ``slack_m`` away from there, no more."""

    kind: Literal["tether_snag"] = "tether_snag"
    slack_m: Annotated[float, Ge(0), Le(50)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TetherPull(Timed):
    """A steady pull on the tether at the vehicle's stern.

    Attributes:
        towards_deg: where it pulls to, true.
        lift_n: and how much of it upwards, besides.
    """

    kind: Literal["tether_pull"] = "tether_pull"
    pull_n: Annotated[float, Ge(0), Le(300)] = 30.0
    towards_deg: HeadingDeg
    lift_n: Annotated[float, Ge(-300), Le(300)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLoss(Timed):
    """Nothing passes on the MAVLink link, in one or both directions; DVL and video are not touched."""

    kind: Literal["link_loss"] = "link_loss"
    direction: Literal["both", "to_vehicle", "from_vehicle"] = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBurstLoss(Timed):
    """Loss in bursts, both ways: good and bad spells take turns (Gilbert and Elliott).

    Attributes:
        bad_s, good_s: mean lengths of the spells, exponentially distributed.
        loss: share of the packets that is lost in a bad spell.
    """

    kind: Literal["link_burst_loss"] = "link_burst_loss"
    bad_s: Annotated[float, Ge(0.1), Le(60)] = 0.5
    good_s: Annotated[float, Ge(0.1), Le(600)] = 2.0
    loss: Share = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherStationHeartbeat(Timed):
    """A second ground station is heard on the link, once a second."""

    kind: Literal["other_station_heartbeat"] = "other_station_heartbeat"
    system_id: SystemId = 254
    component_id: SystemId = 190


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFreeze(Timed):
    """The stream goes on with the same picture."""

    kind: Literal["video_freeze"] = "video_freeze"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoLoss(Timed):
    """No video is sent."""

    kind: Literal["video_loss"] = "video_loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class LightFailure(Timed):
    """Lights fail; telemetry goes on to tell the level that was asked for."""

    kind: Literal["light_failure"] = "light_failure"
    light_left: Share = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CompassJump(Timed):
    """The compass reads wrong by a constant: something magnetic has come near."""

    kind: Literal["compass_jump"] = "compass_jump"
    jump_deg: SignedDeg = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthSensorLoss(Timed):
    """The depth sensor stops to answer."""

    kind: Literal["depth_sensor_loss"] = "depth_sensor_loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureGlitch(Timed):
    """The depth sensor reads deeper (or, negative, shallower) than it is."""

    kind: Literal["pressure_glitch"] = "pressure_glitch"
    offset_m: Annotated[float, Ge(-20), Le(20)] = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentGust(Timed):
    """Water besides the steady current, rising and falling within ``ramp_s``: a passing ship, a lock that opens."""

    kind: Literal["current_gust"] = "current_gust"
    current_mps: Annotated[float, Gt(0), Le(3)] = 0.5
    towards_deg: HeadingDeg
    ramp_s: Annotated[float, Ge(0.1), Le(60)] = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTakesOver(Timed):
    """The operator's own station flies: heartbeat, a mode once, then sticks ten times a second.

    Attributes:
        mode: asked for when it begins; none leaves the mode.
        forward, right, up, turn: sticks, -1 to 1.
    """

    kind: Literal["operator_takes_over"] = "operator_takes_over"
    mode: Literal["MANUAL", "STABILIZE", "ALT_HOLD", "POSHOLD", "SURFACE"] | None = "ALT_HOLD"
    forward: SignedShare = 0.0
    right: SignedShare = 0.0
    up: SignedShare = 0.0
    turn: SignedShare = 0.0
    system_id: SystemId = 255
    component_id: SystemId = 190


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipMoves(Timed):
    """The ship is shifted along the quay, or a line parts: she comes to lie elsewhere within ``over_s``.

    When ``for_s`` is over she goes back in the same time.
    """

    kind: Literal["ship_moves"] = "ship_moves"
    north_m: Annotated[float, Ge(-20), Le(20)] = 0.0
    east_m: Annotated[float, Ge(-20), Le(20)] = 0.0
    turn_deg: Annotated[float, Ge(-20), Le(20)] = 0.0
    over_s: Annotated[float, Ge(5), Le(600)] = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PropellerStarts(Timed):
    """The ship's propeller turns ahead: a jet aft of it, and water drawn towards it from forward.

    Attributes:
        jet_mps: speed of the jet at the propeller.
        station_m, depth_m: where it is, on the centre line; without a depth, at 0.65 of the greatest draught.
    """

    kind: Literal["propeller_starts"] = "propeller_starts"
    jet_mps: Annotated[float, Gt(0), Le(12)] = 4.0
    diameter_m: Annotated[float, Ge(0.3), Le(11)] = 2.5
    station_m: float = 1.5
    depth_m: Depth | None = None
    ramp_s: Annotated[float, Ge(0.1), Le(60)] = 4.0


KINDS = {
    str(kind.__dataclass_fields__["kind"].default): kind
    for kind in (
        DvlDropout, PositionLoss, ThrusterDead, ThrusterFouled, Leak, BatterySag, TetherSnag, TetherPull, LinkLoss,
        LinkBurstLoss, OtherStationHeartbeat, VideoFreeze, VideoLoss, LightFailure, CompassJump, PressureGlitch,
        DepthSensorLoss, CurrentGust, OperatorTakesOver, ShipMoves, PropellerStarts,
    )
}  # fmt: skip


def _kind_of(entry: Any) -> str:
    """The kind that an entry says, or that a fault is; empty where none is given."""
    return str(entry.get("kind") or "") if isinstance(entry, dict) else str(getattr(entry, "kind", ""))


Fault = Annotated[
    DvlDropout | PositionLoss | ThrusterDead | ThrusterFouled | Leak | BatterySag | TetherSnag | TetherPull | LinkLoss
    | LinkBurstLoss | OtherStationHeartbeat | VideoFreeze | VideoLoss | LightFailure | CompassJump | PressureGlitch
    | DepthSensorLoss | CurrentGust | OperatorTakesOver | ShipMoves | PropellerStarts,
    OneOf(KINDS, _kind_of, "kind"),
]  # fmt: skip
"""Any of them, told apart by ``kind``."""
