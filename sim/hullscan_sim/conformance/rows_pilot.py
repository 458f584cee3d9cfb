"""Rows of section 2.5: the pilot's sticks and buttons."""

from __future__ import annotations

from hullscan_sim.conformance.row import Row
from hullscan_sim.conformance.sees import (
    Came,
    Field,
    Measure,
    NoText,
    Number,
    Record,
    Text,
    field_at,
    heading_at,
    moved,
    speed_at,
    turn_rate_at,
    typical,
)
from hullscan_sim.conformance.sends import Command, Each, Local, Mark, Override, Sticks, Wait

__all__ = ["ROWS"]


def _channel(number: int, at_s: float, mark: str = "start") -> Measure:
    return field_at("RC_CHANNELS", f"chan{number}_raw", mark, at_s)


_SINKING = typical("LOCAL_POSITION_NED", "vz", "start", 2.0, 4.9)


def _steady(words: str, sticks: Sticks, *see: Number, for_s: float = 5.0) -> Row:
    return Row(id=words, section="2.5", start="alt_hold", send=(Each(sticks, for_s),), see=see)


def _mixed(words: str, sticks: Sticks, first: int, pulses: tuple[int, ...], within_us: int) -> Row:
    """Pulses of four motors, as the mixer makes them."""
    return Row(
        id=words,
        section="3",
        start="manual",
        send=(Each(sticks, 1.5),),
        see=tuple(
            Number(
                f"motor {motor}",
                typical("SERVO_OUTPUT_RAW", f"servo{motor}_raw", "start", 0.7, 1.5),
                pulse - within_us,
                pulse + within_us,
                str(pulse),
            )
            for motor, pulse in enumerate(pulses, start=first)
        ),
    )


def _gain(record: Record) -> float | None:
    values = [e.message.value for e in record.of("NAMED_VALUE_FLOAT") if e.message.name == "PilotGain"]
    return values[-1] if values else None


_MAPPED = (
    # words, sticks, channel, pulse
    ("x moves channel 5, by 0.4 times the gain of one half", Sticks(x=500), 5, 1600),
    ("x to its end makes 1700", Sticks(x=1000), 5, 1700),
    ("x backwards to its end makes 1300", Sticks(x=-1000), 5, 1300),
    ("y moves channel 6", Sticks(y=500), 6, 1600),
    ("r moves channel 4", Sticks(r=500), 4, 1600),
    ("z of 500 is neutral on channel 3", Sticks(z=500), 3, 1500),
    ("z above 500 is up, by 0.8 times the gain", Sticks(z=750), 3, 1600),
    ("z of nothing is down", Sticks(z=0), 3, 1300),
    ("The pitch extension is not scaled by the gain, and clipped", Sticks(s=500), 1, 1900),
    ("The roll extension moves channel 2", Sticks(t=200), 2, 1700),
)

ROWS: tuple[Row, ...] = (
    *(
        Row(
            id=words,
            section="2.5",
            send=(Each(sticks, 1.2),),
            see=(Number(f"channel {channel}", _channel(channel, 1.0), pulse - 1, pulse + 1, str(pulse)),),
        )
        for words, sticks, channel, pulse in _MAPPED
    ),
    Row(
        id="Sticks of another system are not listened to",
        section="2.5",
        send=(Wait(3.2), Mark("on"), Each(Sticks(x=500, system=254), 1.2)),
        see=(Number("channel 5", _channel(5, 1.0, "on"), 1499, 1501, "1500"),),
    ),
    Row(
        id="Sticks for another vehicle are not listened to",
        section="2.5",
        send=(Wait(3.2), Mark("on"), Each(Sticks(x=500, target=2), 1.2)),
        see=(Number("channel 5", _channel(5, 1.0, "on"), 1499, 1501, "1500"),),
    ),
    Row(
        id="The last sticks live for 3 s after they fall silent, then they are neutral",
        section="2.5",
        start="manual",
        send=(Each(Sticks(x=500), 1.0), Mark("silent"), Wait(4.5)),
        see=(
            Number("channel 5 after 2.3 s", _channel(5, 2.3, "silent"), 1599, 1601, "1600"),
            Number(
                "motor 3 after 2.3 s",
                field_at("SERVO_OUTPUT_RAW", "servo3_raw", "silent", 2.3),
                1560,
                1640,
                "keeps the command",
            ),
            Number("channel 5 after 4 s", _channel(5, 4.0, "silent"), 1499, 1501, "1500"),
            Number(
                "motor 3 after 4 s", field_at("SERVO_OUTPUT_RAW", "servo3_raw", "silent", 4.0), 1490, 1510, "neutral"
            ),
        ),
    ),
    Row(
        id="An override of channel 5 expires 3 s after the last message",
        section="2.5",
        start="alt_hold",
        send=(Each(Override(((5, 1600),)), 4.0), Mark("silent"), Wait(4.2)),
        see=(
            Number("m/s", speed_at(3.8), 0.3, 0.65, "0.49"),
            Number("channel 5 after 2.3 s", _channel(5, 2.3, "silent"), 1599, 1601),
            Number("channel 5 after 4 s", _channel(5, 4.0, "silent"), 1499, 1501, "1500"),
        ),
    ),
    # ------------------------------------------------------------ steady speeds in ALT_HOLD
    _steady("A quarter of x makes 0.23 m/s", Sticks(x=250), Number("m/s", speed_at(4.8), 0.13, 0.33, "0.23")),
    _steady("Half of x makes 0.49 m/s", Sticks(x=500), Number("m/s", speed_at(4.8), 0.32, 0.65, "0.49")),
    _steady("All of x makes 1 m/s", Sticks(x=1000), Number("m/s", speed_at(4.8), 0.65, 1.3, "1.01")),
    _steady("Half of y makes 0.48 m/s", Sticks(y=500), Number("m/s", speed_at(4.8), 0.24, 0.65, "0.48")),
    _steady("A quarter of r turns 12 deg/s", Sticks(r=250), Number("deg/s", turn_rate_at(4.5), 9, 16, "12.4")),
    _steady("Half of r turns 33 deg/s", Sticks(r=500), Number("deg/s", turn_rate_at(4.5), 26, 40, "33")),
    _steady("All of r turns 74 deg/s", Sticks(r=1000), Number("deg/s", turn_rate_at(4.5), 55, 82, "74")),
    _steady("z of 450 is in the dead zone", Sticks(z=450), Number("m/s down", _SINKING, -0.08, 0.08, "0")),
    _steady("z of 550 is in the dead zone", Sticks(z=550), Number("m/s down", _SINKING, -0.08, 0.08, "0")),
    _steady("z of 250 sinks 0.19 m/s", Sticks(z=250), Number("m/s down", speed_at(4.5, axis="vz"), 0.11, 0.26, "0.19")),
    _steady(
        "z of nothing sinks 0.49 m/s", Sticks(z=0), Number("m/s down", speed_at(4.5, axis="vz"), 0.4, 0.56, "0.49")
    ),
    _steady(
        "All of z rises 0.45 m/s or more",
        Sticks(z=1000),
        Number("m/s down", speed_at(3.0, axis="vz"), -0.58, -0.4, "-0.45 to -0.5"),
        for_s=3.5,
    ),
    _steady(
        "The pitch extension leans by 43 degrees",
        Sticks(s=500),
        Number("deg", heading_at(4.8, angle="pitch"), 33, 48, "43"),
    ),
    Row(
        id="A released x coasts to a stop",
        section="2.5",
        start="alt_hold",
        send=(Each(Sticks(x=500), 5.0), Mark("free"), Each(Sticks(), 3.5)),
        see=(
            Number("m/s after 1 s", speed_at(1, "free"), 0.05, 0.35, "0.14"),
            Number("m/s after 3 s", speed_at(3, "free"), 0, 0.16, "0.05"),
        ),
    ),
    Row(
        id="A heading is held after the yaw stick is released",
        section="2.5",
        start="alt_hold",
        send=(Each(Sticks(r=500), 2.0), Each(Sticks(), 2.5), Mark("held"), Each(Sticks(), 5.0)),
        see=(
            Number(
                "deg turned in 5 s",
                lambda record: abs((heading_at(5, "held")(record) or 0) - (heading_at(0, "held")(record) or 0)),
                0,
                3,
                "held",
            ),
        ),
    ),
    Row(
        id="After a fast spin GUIDED comes back to its heading, and may rest some degrees off it",
        section="source",
        start="alt_hold",
        send=(
            Each(Sticks(r=1000), 4.0),
            Each(Sticks(), 2.0),
            Command(176, (1, 4)),
            Local(0x09F8, (0, 0, 3)),
            Mark("asked"),
            Wait(25),
        ),
        see=(
            Number("deg after 10 s", heading_at(10, "asked"), -8, 8, "6 off"),
            Number("deg after 25 s", heading_at(25, "asked"), -8, 8),
            Number("deg/s after 25 s", turn_rate_at(24.5, "asked"), -4, 4, "hunts in the dead band"),
        ),
    ),
    Row(
        id="In POSHOLD a released stick stops and holds",
        section="2.5",
        start="poshold",
        send=(Each(Sticks(x=500), 5.0), Mark("free"), Each(Sticks(), 9.0)),
        see=(
            Number("m/s by stick", speed_at(4.8), 0.32, 0.65, "0.49"),
            Number("m to stop", moved(0, 3, "free", axis="level"), 0.05, 0.65, "0.35"),
            Number("m moved from 5 to 9 s", moved(5, 9, "free", axis="level"), 0, 0.2, "2 to 3 cm/s"),
        ),
    ),
    # ------------------------------------------------------------ mixing (3)
    _mixed("Forward is 1400, 1400, 1600, 1600", Sticks(x=500), 1, (1400, 1400, 1600, 1600), 3),
    _mixed("Right is 1600, 1400, 1600, 1400", Sticks(y=500), 1, (1600, 1400, 1600, 1400), 3),
    _mixed("A turn right is 1600, 1400, 1400, 1600", Sticks(r=500), 1, (1600, 1400, 1400, 1600), 3),
    _mixed("Up is below neutral on motors 5 to 8", Sticks(z=700), 5, (1420, 1420, 1420, 1420), 3),
    _mixed("Down is above neutral on motors 5 to 8", Sticks(z=300), 5, (1580, 1580, 1580, 1580), 3),
    # ------------------------------------------------------------ buttons
    Row(
        id="A button brightens the lights, once for each press",
        section="2.5",
        send=(
            Each(Sticks(buttons=1 << 13), 0.3),
            Mark("dark"),
            Each(Sticks(), 1.2),
            Each(Sticks(buttons=1 << 14), 1.0),
            Mark("on"),
            Each(Sticks(), 1.2),
        ),
        see=(
            Number(
                "channel 9 brighter by",
                lambda record: (_channel(9, 0.4, "on")(record) or 0) - (_channel(9, 0.4, "dark")(record) or 0),
                99,
                101,
                "100",
            ),
        ),
    ),
    Row(
        id="A button changes the gain, and says so",
        section="2.5",
        send=(
            Each(Sticks(buttons=1 << 12), 0.3),
            Each(Sticks(), 1.0),
            Each(Sticks(buttons=1 << 11), 0.3),
            Each(Sticks(), 1.2),
        ),
        see=(Text(6, "#Gain is 25%"), Text(6, "#Gain is 50%"), Number("PilotGain", _gain, 0.49, 0.51, "0.5")),
    ),
    Row(
        id="Buttons change the mode when they are pressed",
        section="source",
        send=(Each(Sticks(buttons=1 << 3), 0.3), Each(Sticks(), 1.0)),
        see=(Came("HEARTBEAT", (("custom_mode", 2),)),),
    ),
    Row(
        id="Buttons arm and disarm",
        section="source",
        send=(
            Each(Sticks(buttons=1 << 6), 0.3),
            Each(Sticks(), 1.0),
            Each(Sticks(buttons=1 << 4), 0.3),
            Each(Sticks(), 1.2),
        ),
        see=(Text(6, "Arming motors"), Text(6, "Disarming motors"), Field("HEARTBEAT", "base_mode", 81)),
    ),
    Row(
        id="MANUAL passes the sticks through and holds nothing",
        section="source",
        start="manual",
        send=(Command(512, (30,)), Wait(4)),
        see=(Number("m down", moved(0, 4, axis="z"), -2.0, 0.05, "floats up"), NoText()),
    ),
)
