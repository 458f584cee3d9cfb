"""Rows of section 2.3: arming, modes, commands."""

from __future__ import annotations

from hullscan_sim.conformance.row import Row, Start
from hullscan_sim.conformance.sees import Ack, Came, Field, NoText, Number, See, Text, heading_at, moved, speed_at
from hullscan_sim.conformance.sends import Command, Local, Mark, Post, Send, Upload, Wait
from hullscan_sim.messages import mavlink

__all__ = ["ROWS"]

ACCEPTED, DENIED, UNSUPPORTED, FAILED = 0, 2, 3, 4
_HOLD = 0x09F8


def _answer(
    words: str,
    command: int,
    params: tuple[float, ...],
    result: int,
    *more: See,
    start: Start = "disarmed",
    section: str = "2.3",
    before: tuple[Send, ...] = (),
    params_set: tuple[tuple[str, float], ...] = (),
    silent: bool = False,
) -> Row:
    """One command, one result, and perhaps words."""
    see: tuple[See, ...] = (Ack(command, result, mark="asked"), *more)
    listen_s = 1.2 if any(isinstance(one, Field) for one in more) else 0.3
    send = (*before, Mark("asked"), Command(command, params, listen_s))
    return Row(
        id=words,
        section=section,
        start=start,
        params=params_set,
        send=send,
        see=(*see, NoText(mark="asked")) if silent else see,
    )


_MODES = (
    (0, "STABILIZE"),
    (1, "ACRO"),
    (2, "ALT_HOLD"),
    (7, "CIRCLE"),
    (9, "SURFACE"),
    (16, "POSHOLD"),
    (20, "MOTOR_DETECT"),
)

ROWS: tuple[Row, ...] = (
    _answer("Arming is accepted in MANUAL", 400, (1,), ACCEPTED, Text(6, "Arming motors")),
    _answer("Arming by force with 21196 is accepted", 400, (1, 21196), ACCEPTED, Text(6, "Arming motors")),
    _answer("Arming by force with 2989 is accepted", 400, (1, 2989), ACCEPTED, Text(6, "Arming motors")),
    _answer("Arming again is accepted and harmless", 400, (1,), ACCEPTED, start="guided", silent=True),
    _answer("Disarming is accepted", 400, (0,), ACCEPTED, Text(6, "Disarming motors"), before=(Command(400, (1,)),)),
    _answer("Disarming again is accepted and harmless", 400, (0,), ACCEPTED, silent=True),
    _answer("Neither arm nor disarm is unsupported", 400, (2,), UNSUPPORTED, section="source"),
    Row(
        id="An armed vehicle is active and its base mode is 209",
        section="2.1",
        send=(Command(400, (1,), 1.5),),
        see=(Field("HEARTBEAT", "base_mode", 209), Field("HEARTBEAT", "system_status", 4)),
    ),
    Row(
        id="A disarmed vehicle is on standby and its base mode is 81",
        section="2.1",
        send=(Wait(1.5),),
        see=(Field("HEARTBEAT", "base_mode", 81), Field("HEARTBEAT", "system_status", 3)),
    ),
    _answer(
        "Without a disarm button it does not arm",
        400,
        (1,),
        FAILED,
        Text(2, "Arm: Must assign a disarm or arm_toggle button"),
        params_set=(("BTN4_FUNCTION", 0.0),),
    ),
    # ------------------------------------------------------------ modes
    *(
        _answer(
            f"{name} is accepted, told by a heartbeat at once",
            176,
            (1, number),
            ACCEPTED,
            Came("HEARTBEAT", (("custom_mode", number), ("base_mode", 89 if number in (7, 16) else 81))),
            silent=True,
            section="source" if number in (1, 7, 20) else "2.3",
        )
        for number, name in _MODES
    ),
    _answer(
        "GUIDED is accepted with a position",
        176,
        (1, 4),
        ACCEPTED,
        Came("HEARTBEAT", (("base_mode", 89),)),
        silent=True,
    ),
    _answer("A mode it is already in is accepted", 176, (1, 19), ACCEPTED, silent=True, section="source"),
    _answer(
        "In GUIDED and armed the base mode is 217",
        400,
        (1,),
        ACCEPTED,
        Field("HEARTBEAT", "base_mode", 217),
        start="guided",
    ),
    _answer("Mode 99 is refused by name", 176, (1, 99), FAILED, Text(4, "No such mode 99")),
    _answer("A mode without the custom-mode bit is denied", 176, (0, 4), DENIED, Field("HEARTBEAT", "custom_mode", 19)),
    _answer(
        "AUTO without a mission is refused",
        176,
        (1, 3),
        FAILED,
        Text(4, "Flight mode change failed AUTO"),
        before=(Upload(()),),
    ),
    Row(
        id="The old SET_MODE message works too",
        section="2.3",
        send=(Post(mavlink.MAVLink_set_mode_message(1, 1, 2), 0.5),),
        see=(Field("HEARTBEAT", "custom_mode", 2),),
    ),
    _answer("NAV_LAND surfaces", 21, (), ACCEPTED, Field("HEARTBEAT", "custom_mode", 9)),
    _answer("NAV_LOITER_UNLIM holds position", 17, (), ACCEPTED, Field("HEARTBEAT", "custom_mode", 16)),
    _answer("MISSION_START is refused when disarmed", 300, (), FAILED),
    _answer(
        "MISSION_START is refused without a mission",
        300,
        (),
        FAILED,
        Text(4, "Flight mode change failed AUTO"),
        before=(Upload(()), Command(400, (1,), 1.0)),
    ),
    Row(
        id="Of ACRO to ALT_HOLD nothing but the mode changes",
        section="source",
        start="manual",
        send=(Command(176, (1, 1), 1.5), Command(176, (1, 2), 1.5)),
        see=(Field("HEARTBEAT", "base_mode", 209), Field("HEARTBEAT", "custom_mode", 2), NoText()),
    ),
    # ------------------------------------------------------------ commands
    *(
        _answer(f"{name} is not supported", number, (), UNSUPPORTED)
        for number, name in (
            (22, "TAKEOFF"),
            (20, "RETURN_TO_LAUNCH"),
            (192, "DO_REPOSITION"),
            (193, "DO_PAUSE_CONTINUE"),
            (519, "REQUEST_PROTOCOL_VERSION"),
            (2800, "PANORAMA_CREATE"),
            (43003, "EXTERNAL_POSITION_ESTIMATE"),
        )
    ),
    _answer("DO_CHANGE_SPEED is accepted", 178, (1, 1.0), ACCEPTED),
    _answer("DO_CHANGE_SPEED without a speed is refused", 178, (1, 0), FAILED, section="source"),
    Row(
        id="DO_CHANGE_SPEED sets the speed of position legs",
        section="2.3",
        start="guided",
        send=(Command(178, (1, 0.3)), Mark("gone"), Local(_HOLD, (4, 0, 3)), Wait(8), Command(178, (1, 1.0))),
        see=(Number("m/s after 6 s", speed_at(6.0, "gone"), 0.15, 0.4, "0.33 of 0.4"),),
    ),
    Row(
        id="CONDITION_YAW turns in GUIDED at its own rate",
        section="2.3",
        start="guided",
        send=(Command(115, (90, 20, 1, 0)), Wait(8)),
        see=(
            Ack(115, ACCEPTED),
            Number("deg after 2.5 s", heading_at(2.5), 25, 60, "20 deg/s"),
            Number("deg after 7 s", heading_at(7.0), 84, 96, "90 in 5 s"),
        ),
    ),
    Row(
        id="CONDITION_YAW can be relative",
        section="2.3",
        start="guided",
        send=(Command(115, (30, 30, 1, 1)), Wait(5)),
        see=(Ack(115, ACCEPTED), Number("deg after 5 s", heading_at(5.0), 22, 36, "30")),
    ),
    Row(
        id="CONDITION_YAW also sets the heading that setpoints without yaw go back to",
        section="2.3",
        start="guided",
        send=(Command(115, (60, 60, 1, 0)), Wait(4), Local(0x0DF8, (0, 0, 3)), Wait(4)),
        see=(Number("deg", heading_at(8.0), 54, 66, "60"),),
    ),
    _answer("CONDITION_YAW beyond a turn is denied", 115, (400, 20, 1, 0), DENIED, section="source"),
    _answer(
        "DO_FLIGHTTERMINATION disarms",
        185,
        (1,),
        ACCEPTED,
        Text(6, "Disarming motors"),
        before=(Command(400, (1,), 1.0),),
    ),
    _answer(
        "MOTOR_TEST is refused when disarmed", 209, (1, 0, 5, 1), FAILED, Text(4, "Arm motors before testing motors.")
    ),
    _answer(
        "The barometer is not calibrated while armed",
        241,
        (0, 0, 1),
        FAILED,
        Text(5, "Disarm to allow calibration"),
        before=(Command(400, (1,), 1.0),),
        section="source",
    ),
    _answer("There is no reboot while armed", 246, (1,), FAILED, before=(Command(400, (1,), 1.0),), section="source"),
    Row(
        id="COMMAND_INT is answered like COMMAND_LONG",
        section="source",
        send=(Command(176, (1, 2), as_int=True),),
        see=(Ack(176, ACCEPTED), Field("HEARTBEAT", "custom_mode", 2)),
    ),
    Row(
        id="SURFACE rises from 3 m in 3.5 s and then holds its depth",
        section="2.6",
        start="guided",
        send=(Command(176, (1, 9)), Wait(10)),
        see=(
            Ack(176, ACCEPTED),
            Number("m risen in 5.5 s", moved(0, 5.5, axis="z"), -3.6, -1.9, "3.5 s for 3 m"),
            Field("HEARTBEAT", "custom_mode", 2),
        ),
    ),
    Row(
        id="CIRCLE keeps its depth and moves",
        section="source",
        start="guided",
        send=(Command(176, (1, 7)), Wait(10)),
        see=(
            Ack(176, ACCEPTED),
            Field("HEARTBEAT", "base_mode", 217),
            Number("m sunk", moved(0, 10, axis="z"), -0.3, 0.3),
            Number("m moved", moved(0, 10, axis="level"), 0.5, 15.0),
        ),
    ),
)
