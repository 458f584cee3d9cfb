"""Rows of section 2.7: the mission protocol, and what AUTO makes of a mission."""

from __future__ import annotations

from hullscan_sim.conformance.row import Row
from hullscan_sim.conformance.sees import (
    Ack,
    Came,
    Field,
    Never,
    NoText,
    Number,
    Order,
    Record,
    See,
    Text,
    depth_at,
    heading_at,
    moved,
)
from hullscan_sim.conformance.sends import Command, Hears, Mark, Planned, Post, Send, Upload, Wait
from hullscan_sim.messages import mavlink

__all__ = ["ROWS"]

ACCEPTED, DENIED, FAILED = 0, 2, 4
_RELATIVE, _ABSOLUTE, _MISSION = 3, 0, 2
_NONE = (0.0, 0.0, 0.0, 0.0)


def _wp(north: float, east: float, z: float = -3.0, frame: int = _RELATIVE) -> Planned:
    return frame, 16, _NONE, (north, east), z


def _do(command: int, *params: float, frame: int = _MISSION, z: float = 0.0) -> Planned:
    p = (*params, *_NONE)[:4]
    return frame, command, (p[0], p[1], p[2], p[3]), None, z


_THREE = (_wp(3, 0), _do(178, 1, 0.4, -1), _wp(3, 3))
_AUTO = Command(176, (1, 3))


def _fly(*items: Planned, seconds: float = 14.0) -> tuple[Send, ...]:
    """Upload, go to AUTO, wait."""
    return (Upload(tuple(items)), Mark("auto"), _AUTO, Wait(seconds))


def _refused(words: str, item: Planned, name: str, why: str = "Bad alt frame") -> Row:
    """Uploaded without complaint, refused when its turn comes, and skipped."""
    return Row(
        id=words,
        section="2.7",
        start="guided",
        send=(*_fly(item, _wp(2, 0), seconds=2.0), Command(176, (1, 4))),
        see=(
            Came("MISSION_ACK", (("type", 0),)),
            Ack(176, ACCEPTED, mark="auto"),
            Order((f"Mission: 1 {name}", why, "Mission: 2 WP")),
            Text(4, why, mark="auto"),
        ),
    )


def _requests(record: Record) -> float | None:
    """Requests for items, if all of them came as MISSION_REQUEST and in order."""
    seqs = [e.message.seq for e in record.of("MISSION_REQUEST")]
    return float(len(seqs)) if seqs == sorted(seqs) and not record.of("MISSION_REQUEST_INT") else None


def _back(kind: str, seq: int, *see: See) -> Row:
    make = (
        mavlink.MAVLink_mission_request_int_message
        if kind == "MISSION_ITEM_INT"
        else mavlink.MAVLink_mission_request_message
    )
    return Row(
        id=f"Item {seq} reads back as {kind}",
        section="2.7" if kind == "MISSION_ITEM_INT" else "source",
        send=(Upload(_THREE), Post(make(1, 1, seq), 0.5)),
        see=see,
    )


ROWS: tuple[Row, ...] = (
    Row(
        id="A mission is asked for with MISSION_REQUEST and acknowledged",
        section="2.7",
        send=(Upload(_THREE),),
        see=(
            Number("requests", _requests, 4, 4, "one an item"),
            Came("MISSION_ACK", (("type", 0),)),
            Text(6, "Flight plan received"),
        ),
    ),
    Row(
        id="The list counts home too",
        section="2.7",
        send=(Upload(_THREE), Post(mavlink.MAVLink_mission_request_list_message(1, 1), 0.5)),
        see=(Came("MISSION_COUNT", (("count", 4),)),),
    ),
    Row(
        id="MISSION_CURRENT counts without home",
        section="2.7",
        send=(Upload(_THREE), Wait(1.5)),
        see=(Came("MISSION_CURRENT", (("total", 3),)), Field("MISSION_CURRENT", "mission_state", (2, 5))),
    ),
    _back("MISSION_ITEM_INT", 1, Came("MISSION_ITEM_INT", (("seq", 1), ("command", 16), ("frame", 3), ("z", -3.0)))),
    _back("MISSION_ITEM_INT", 0, Came("MISSION_ITEM_INT", (("seq", 0), ("command", 16), ("frame", 0)))),
    _back("MISSION_ITEM_INT", 2, Came("MISSION_ITEM_INT", (("seq", 2), ("command", 178), ("param1", 1.0)))),
    _back(
        "MISSION_ITEM",
        1,
        Came("MISSION_ITEM", (("seq", 1), ("command", 16))),
        Text(4, "got MISSION_REQUEST; use MISSION_REQUEST_INT!"),
    ),
    Row(
        id="An item that is not there cannot be read",
        section="source",
        send=(Upload(_THREE), Post(mavlink.MAVLink_mission_request_int_message(1, 1, 9), 0.5)),
        see=(Never("MISSION_ITEM_INT"), Came("MISSION_ACK", (("type", 1),)), Came("MISSION_COUNT", (("count", 4),))),
    ),
    Row(
        id="A cleared mission is no mission",
        section="2.7",
        send=(
            Upload(_THREE),
            Post(mavlink.MAVLink_mission_clear_all_message(1, 1), 0.5),
            Wait(1.2),
            Mark("asked"),
            _AUTO,
        ),
        see=(
            Came("MISSION_ACK", (("type", 0),), least=2),
            Came("MISSION_CURRENT", (("total", 0), ("mission_state", 1))),
            Ack(176, FAILED, mark="asked"),
            Text(4, "Flight mode change failed AUTO", mark="asked"),
        ),
    ),
    Row(
        id="While AUTO flies the mission cannot be cleared",
        section="2.7",
        start="guided",
        send=(
            *_fly(_wp(4, 0), seconds=1.0),
            Post(mavlink.MAVLink_mission_clear_all_message(1, 1), 0.5),
            Command(176, (1, 4)),
        ),
        see=(Came("MISSION_ACK", (("type", 1),)),),
    ),
    Row(
        id="Having left AUTO the mission still counts as running, and cannot be cleared",
        section="source",
        start="guided",
        send=(
            *_fly(_wp(4, 0), seconds=1.0),
            Command(176, (1, 4), 1.5),
            Post(mavlink.MAVLink_mission_clear_all_message(1, 1), 0.5),
        ),
        see=(Field("MISSION_CURRENT", "mission_state", 3), Came("MISSION_ACK", (("type", 1),))),
    ),
    Row(
        id="Positive altitudes and a TAKEOFF are uploaded without complaint",
        section="2.7",
        send=(Upload((_wp(3, 0, 5.0), (3, 22, _NONE, (3, 0), 5.0))),),
        see=(Came("MISSION_ACK", (("type", 0),)), Text(6, "Flight plan received")),
    ),
    Row(
        id="Nobody answers a MISSION_REQUEST: it is asked again and then given up",
        section="source",
        slow=True,
        send=(Post(mavlink.MAVLink_mission_count_message(1, 1, 2), 12.0),),
        see=(
            Came("MISSION_REQUEST", (("seq", 0),), least=2),
            Came("MISSION_ACK", (("type", 15),)),
            Text(4, "Mission upload timeout"),
        ),
    ),
    Row(
        id="An item out of turn is refused",
        section="source",
        send=(
            Post(mavlink.MAVLink_mission_count_message(1, 1, 2), 0.2),
            Post(
                mavlink.MAVLink_mission_item_int_message(1, 1, 1, 3, 16, 0, 1, 0, 0, 0, 0, 350767000, 1290800000, -3),
                0.3,
            ),
            Wait(9.5),
        ),
        see=(Came("MISSION_ACK", (("type", 13),)),),
    ),
    # ------------------------------------------------------------ AUTO
    Row(
        id="AUTO flies the items one after the other, and says so",
        section="2.7",
        start="guided",
        send=_fly(*_THREE, seconds=24.0),
        see=(
            Ack(176, ACCEPTED, mark="auto"),
            Order(
                (
                    "Flight plan received",
                    "Mission: 1 WP",
                    "Reached command #1",
                    "Mission: 2 ChangeSpeed",
                    "Mission: 3 WP",
                )
            ),
            Came("HEARTBEAT", (("custom_mode", 3), ("base_mode", 217))),
            Came("MISSION_CURRENT", (("seq", 1), ("total", 3), ("mission_state", 3))),
            Number("north after 12 s", lambda r: r.at("LOCAL_POSITION_NED", r.marks["auto"] + 12).x, 2.2, 3.3, "3"),
        ),
    ),
    Row(
        id="After the last item it stays in AUTO and holds",
        section="2.7",
        start="guided",
        send=(*_fly(_wp(2, 0)), Mark("done"), Wait(5)),
        see=(
            Field("HEARTBEAT", "custom_mode", 3),
            Text(6, "Reached command #1", mark="auto"),
            Field("MISSION_CURRENT", "mission_state", 5),
            Number("north", lambda r: r.at("LOCAL_POSITION_NED", r.marks["end"]).x, 1.7, 2.3, "2"),
            Number("m moved", moved(0, 5, "done"), 0, 0.3, "holds"),
        ),
    ),
    Row(
        id="The heading follows the track",
        section="2.7",
        start="guided",
        send=_fly(_wp(0, 5), seconds=6.0),
        see=(Number("deg", heading_at(6, "auto"), 70, 110, "90"),),
    ),
    Row(
        id="The altitude of an item is depth below home",
        section="2.7",
        start="guided",
        send=_fly(_wp(0, 0, -5.0), seconds=10.0),
        see=(Number("depth", depth_at(10, "auto"), 4.5, 5.5, "5"),),
    ),
    Row(
        id="DO_CHANGE_SPEED in a mission sets the speed",
        section="2.7",
        start="guided",
        send=(
            *_fly(_wp(0.5, 0), _do(178, 1, 0.4, -1), _wp(6.5, 0), seconds=6.0),
            Mark("leg"),
            Wait(8),
            Command(178, (1, 1.0)),
        ),
        see=(Number("m in 8 s", moved(0, 8, "leg", axis="level"), 2.0, 3.6, "6 m in 20 s"),),
    ),
    Row(
        id="DO_SET_SERVO in a mission moves the servo",
        section="2.7",
        start="guided",
        send=_fly(_wp(0.5, 0), _do(183, 9, 1650), _wp(1.0, 0), seconds=12.0),
        see=(
            Number("output 9", lambda r: r.at("SERVO_OUTPUT_RAW", r.marks["end"]).servo9_raw, 1649, 1651, "1650"),
            Order(("Mission: 2 SetServo",)),
        ),
    ),
    _refused("CONDITION_YAW in a mission is refused when its turn comes", _do(115, 90, 20, 1, 0), "CondYaw"),
    _refused("NAV_DELAY in a mission is refused when its turn comes", _do(93, 5), "Delay"),
    _refused("DO_MOUNT_CONTROL in a mission is refused when its turn comes", _do(205, -20, 0, 0, 0), "MountControl"),
    _refused(
        "DO_CHANGE_SPEED without a throttle of -1 is refused when its turn comes",
        _do(178, 1, 0.4),
        "ChangeSpeed",
        "Alt above home must be negative",
    ),
    _refused("RETURN_TO_LAUNCH in a mission is refused when its turn comes", _do(20), "RTL"),
    _refused(
        "A positive altitude is refused when its turn comes", _wp(2, 0, 4.0), "WP", "Alt above home must be negative"
    ),
    _refused("An absolute altitude is refused when its turn comes", _wp(2, 0, -3.0, _ABSOLUTE), "WP"),
    Row(
        id="Only items that are refused: it is at the end at once and holds in AUTO",
        section="2.7",
        start="guided",
        send=_fly(_do(20), seconds=3.0),
        see=(
            Order(("Mission: 1 RTL", "Bad alt frame")),
            Field("HEARTBEAT", "custom_mode", 3),
            Number("m moved", moved(0, 3, "auto"), 0, 0.5, "holds"),
        ),
    ),
    Row(
        id="Leaving AUTO and coming back resumes the item",
        section="2.7",
        start="guided",
        send=(
            *_fly(_wp(0.5, 0), _wp(6, 0), seconds=0.5),
            Hears("Mission: 2 WP", 12.0),
            Wait(1.5),
            Command(176, (1, 2), 1.0),
            Mark("back"),
            _AUTO,
            Wait(2.0),
        ),
        see=(
            Order(("Mission: 1 WP", "Mission: 2 WP", "Mission: 2 WP")),
            Text(6, "Mission: 2 WP", mark="back"),
            Field("MISSION_CURRENT", "seq", 2),
        ),
    ),
    Row(
        id="DO_SET_MISSION_CURRENT goes to an item",
        section="2.7",
        start="guided",
        send=(*_fly(_wp(5, 0), _wp(5, 5), _wp(0, 5), seconds=2.0), Mark("asked"), Command(224, (3,), 1.5)),
        see=(
            Ack(224, ACCEPTED, mark="asked"),
            Text(6, "Mission: 3 WP", mark="asked"),
            Field("MISSION_CURRENT", "seq", 3),
        ),
    ),
    Row(
        id="DO_SET_MISSION_CURRENT to an item that is not there is denied",
        section="source",
        send=(Upload(_THREE), Mark("asked"), Command(224, (9,))),
        see=(Ack(224, DENIED, mark="asked"),),
    ),
    Row(
        id="Items are told when they are reached",
        section="2.7",
        start="guided",
        send=(Command(511, (46, 250000)), *_fly(_wp(1.5, 0), seconds=12.0), Command(511, (46, -1))),
        see=(Ack(511, ACCEPTED), Came("MISSION_ITEM_REACHED", (("seq", 1),))),
    ),
    Row(
        id="MISSION_START goes to AUTO when armed",
        section="2.3",
        start="guided",
        send=(Upload(_THREE), Mark("asked"), Command(300, (), 1.0)),
        see=(Ack(300, ACCEPTED, mark="asked"), Field("HEARTBEAT", "custom_mode", 3)),
    ),
    Row(
        id="Disarming resets the mission, and disarmed every place counts as reached",
        section="2.7",
        start="guided",
        send=(*_fly(_wp(0.5, 0), _wp(5, 0), seconds=7.0), Command(400, (0,), 1.5)),
        see=(
            Order(
                (
                    "Mission: 2 WP",
                    "Disarming motors",
                    "Mission: 1 WP",
                    "Reached command #1",
                    "Mission: 2 WP",
                    "Reached command #2",
                )
            ),
        ),
    ),
    Row(
        id="A setpoint does nothing in AUTO",
        section="2.4",
        start="guided",
        send=(
            *_fly(_wp(0.5, 0), seconds=8.0),
            Mark("asked"),
            Post(
                mavlink.MAVLink_set_position_target_local_ned_message(
                    0, 1, 1, 1, 0x09F8, 5, 5, 3, 0, 0, 0, 0, 0, 0, 0, 0
                ),
                3.0,
            ),
        ),
        see=(Number("m moved", moved(0, 3, "asked"), 0, 0.3, "none"), NoText(mark="asked")),
    ),
)
