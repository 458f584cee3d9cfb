"""What a scenario may say about sensors, clocks and the video link. The defaults are a vehicle on a good day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from hullscan.units import Share

__all__ = ["Clocks", "Sensors", "VideoLink"]

OffsetS = Annotated[float, Ge(-86400), Le(86400)]
DriftPpm = Annotated[float, Ge(-1000), Le(1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """Errors of the sensors, beyond those of ``vehicle.compass`` and ``vehicle.dvl``.

    Attributes:
        compass_greatest_deg: error at the plating with ``compass: near_steel``; hulls and sheet piling gave 15 to 40.
        gyro_drift_deg_per_min: constant yaw rate that the gyro reads too much.
        sounder: what the wide cone reports: its nearest good target, or the strongest echo, which may be a farther
            plate that it meets squarely.
        sounder_cone_deg: full width of the cone.
        pressure_bias_m: the zero of depth was taken wrong: depths read that much too deep. There is no negative one:
            the autopilot takes a new zero whenever it reads a height above the old one.
        pressure_drift_m_per_h: of that zero, as the housing cools.
        dvl_beam_width_deg: half-power width of a beam; 0 is a ray. With a width, a beam that is partly beyond an
            edge is lost the more often the less of it meets the hull.
        dvl_invalid_share: reports marked invalid; not given, drawn for the run from 0.004 to 0.08.
        dvl_outlier_share: reports that are marked valid with a wrong short range.
        dvl_repeat_share: lines that come twice.
        dvl_gap_share: reports after which 0.25 to 0.55 s pass in silence.
    """

    compass_greatest_deg: Annotated[float, Ge(0), Le(90)] = 12.0
    gyro_drift_deg_per_min: Annotated[float, Ge(-60), Le(60)] = 0.0
    sounder: Literal["nearest", "strongest"] = "nearest"
    sounder_cone_deg: Annotated[float, Ge(5), Le(60)] = 25.0
    pressure_bias_m: Annotated[float, Ge(0), Le(3)] = 0.0
    pressure_drift_m_per_h: Annotated[float, Ge(-5), Le(5)] = 0.0
    dvl_beam_width_deg: Annotated[float, Ge(0), Le(10)] = 0.0
    dvl_invalid_share: Share | None = None
    dvl_outlier_share: Share = 0.0015
    dvl_repeat_share: Share = 0.004
    dvl_gap_share: Share = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """How the clocks on the vehicle stand against the laptop's, which is taken for true.

    Attributes:
        vehicle_offset_s: of the vehicle's UTC (SYSTEM_TIME).
        vehicle_drift_ppm: of the autopilot's clock: boot time and UTC.
        dvl_offset_s, dvl_drift_ppm: of the DVL's time stamps; not given, drawn for the run from 3 s and 30 ppm
            either way for an a50, and zero for a perfect DVL.
        video_offset_s: of RTP time against simulated time; RTP time starts anywhere.
        video_drift_ppm: of the camera's clock.
    """

    vehicle_offset_s: OffsetS = 0.0
    vehicle_drift_ppm: DriftPpm = 0.0
    dvl_offset_s: OffsetS | None = None
    dvl_drift_ppm: DriftPpm | None = None
    video_offset_s: Annotated[float, Ge(0), Le(40000)] = 0.0
    video_drift_ppm: DriftPpm = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoLink:
    """What happens to the video on its way.

    Attributes:
        loss_share: RTP packets that are lost.
        reorder_share: RTP packets that arrive after the one that follows them.
        parameter_sets_s: time between SPS and PPS, the first after that time (BlueOS: 10); 0 sends them with each
            IDR picture.
        delay_s: age of a picture when it is drawn: exposure, read-out and coding of a camera on board. Drawing, coding
            and sending it took 0.03 s on the computer where that was measured; together the 0.1 s of the profiles.
    """

    loss_share: Share = 0.0
    reorder_share: Share = 0.0
    parameter_sets_s: Annotated[float, Ge(0), Le(120)] = 0.0
    delay_s: Annotated[float, Ge(0), Le(1)] = 0.07
