"""RTP with H.264: what arrives is what was sent, what was lost is known, and nothing that arrives can do harm."""

from __future__ import annotations

import itertools
import random
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from video_streams import Coded, RtpSender, coded, decoded, lossy

from hullscan.video.decoder import LiveDecoder
from hullscan.video.h264 import AccessUnit
from hullscan.video.rtp import Depacketiser, TimeLine, parse_rtp

UNITS = coded(60)


def receive(datagrams, depacketiser: Depacketiser | None = None) -> list[AccessUnit]:
    depacketiser = depacketiser or Depacketiser()
    units = []
    for count, datagram in enumerate(datagrams):
        units += depacketiser.push(datagram, 1000.0 + count * 0.002)
    return units + depacketiser.flush()


def all_datagrams(units=UNITS, **options) -> list[bytes]:
    sender = RtpSender(**options)
    return [datagram for unit in units for datagram in sender.datagrams(unit)]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"mtu": 60_000, "aggregate": False}, id="each NAL unit in a packet of its own"),
        pytest.param({"mtu": 60_000}, id="parameter sets together in a STAP-A"),
        pytest.param({"mtu": 200}, id="pictures in many fragments"),
        pytest.param({"sequence": 65_530}, id="the sequence number wraps"),
        pytest.param({"offset": 2**32 - 45_000}, id="the time stamp wraps"),
    ],
)
def test_gives_what_was_sent(options):
    units = receive(all_datagrams(**options))
    assert [unit.data for unit in units] == [sent.annexb for sent in UNITS]
    assert [unit.key for unit in units] == [sent.key for sent in UNITS]
    assert [unit.ticks90k - units[0].ticks90k for unit in units] == [sent.ticks for sent in UNITS]
    assert [unit.rtp90k for unit in units] == [(s.ticks + options.get("offset", 0)) % 2**32 for s in UNITS]
    assert not any(unit.damaged or unit.suspect or unit.lost for unit in units)


def test_gives_a_picture_with_its_last_packet_and_not_with_the_next_one():
    depacketiser, sender = Depacketiser(), RtpSender()
    for sent in UNITS[:5]:
        *before, last = sender.datagrams(sent)
        assert not [unit for datagram in before for unit in depacketiser.push(datagram, 0.0)]
        assert [unit.data for unit in depacketiser.push(last, 0.0)] == [sent.annexb]


def test_a_sender_without_marker_bits_is_understood():
    sender = RtpSender()
    units = receive([datagram for sent in UNITS for datagram in sender.datagrams(sent, marker=False)])
    assert [unit.data for unit in units] == [sent.annexb for sent in UNITS]
    assert not any(unit.damaged for unit in units[:-1])
    assert units[-1].damaged, "whether the last one is complete cannot be known"


@given(seed=st.integers(0, 2**32), reach=st.integers(0, 6), doubled=st.floats(0, 0.5))
@settings(max_examples=20, deadline=None)
def test_reordered_and_doubled_packets_change_nothing(seed, reach, doubled):
    dice = random.Random(seed)
    sent = all_datagrams()
    # The first packet stays first: a stream begins with what comes first.
    order = [0, *sorted(range(1, len(sent)), key=lambda position: position + dice.uniform(0, reach + 0.5))]
    arriving = [sent[position] for position in order for _ in range(1 + (dice.random() < doubled))]
    depacketiser = Depacketiser()
    units = receive(arriving, depacketiser)
    assert [unit.data for unit in units] == [unit.annexb for unit in UNITS]
    assert depacketiser.lost == 0
    assert depacketiser.late == len(arriving) - len(sent)
    assert (depacketiser.reordered > 0) == (order != sorted(order))


@pytest.mark.parametrize("lost_at", range(40), ids=lambda at: f"packet {at} after the second key picture is lost")
def test_one_lost_packet_makes_everything_suspect_up_to_the_next_key_picture(lost_at):
    sender = RtpSender()
    packets = [(sent, datagram) for sent in UNITS for datagram in sender.datagrams(sent)]
    begin = next(at for at, (sent, _) in enumerate(packets) if sent.number == 15)
    hit = packets.pop(begin + lost_at)[0]
    depacketiser = Depacketiser()
    units = receive([datagram for _, datagram in packets], depacketiser)
    numbers = {sent.ticks: sent.number for sent in UNITS}
    suspect = [numbers[unit.rtp90k] for unit in units if unit.suspect]
    assert depacketiser.lost == sum(unit.lost for unit in units) == 1
    assert suspect == list(range(hit.number, 30))
    assert next(numbers[unit.rtp90k] for unit in units if unit.damaged) == hit.number


def test_a_gap_right_before_a_key_picture_with_sps_leaves_that_one_whole():
    sender = RtpSender()
    packets = [(sent, datagram) for sent in UNITS for datagram in sender.datagrams(sent)]
    units = receive([datagram for sent, datagram in packets if sent.number != 14])
    key = next(unit for unit in units if unit.rtp90k == UNITS[15].ticks)
    assert key.lost > 0
    assert not key.damaged
    assert not key.suspect


def test_a_gap_is_given_up_when_the_sender_pauses_behind_it():
    depacketiser, sender = Depacketiser(), RtpSender()
    first, second, *_ = (sender.datagrams(sent) for sent in UNITS[15:17])
    receiving = [unit for datagram in first for unit in depacketiser.push(datagram, 0.0)]
    receiving += [unit for datagram in second[1:] for unit in depacketiser.push(datagram, 0.0)]
    assert len(receiving) == 1, "what is behind a gap waits for the missing packet"
    (held,) = depacketiser.give_up_gaps()
    assert held.damaged
    assert depacketiser.lost == 1


def decode_live(units: list[AccessUnit], sent: tuple[Coded, ...]) -> tuple[int, int, int]:
    """Decode as the product does: numbers of pictures, of damaged and of suspect ones; no damaged one unsuspected."""
    truth = decoded(sent)
    numbers = {unit.ticks: unit.number for unit in sent}
    decoder = LiveDecoder()
    shown = damaged = suspect = 0
    for number, unit in enumerate(units):
        decoder.put(unit, 0.0, number)
        frame = decoder.take(0.5)  # each access unit makes a picture, if only from a piece of it
        assert frame is not None
        shown += 1
        wrong = not (frame.image_bgr == truth[numbers[unit.rtp90k]]).all()
        damaged += wrong
        suspect += frame.suspect
        assert frame.suspect or not wrong, f"picture {frame.index} is damaged and not suspect"
    decoder.close()
    return shown, damaged, suspect


@pytest.mark.parametrize(
    ("loss", "mtu", "seed", "least_damaged"),
    [
        pytest.param(0.0, 400, 0, 0, id="nothing lost"),
        pytest.param(0.003, 400, 3, 10, id="0.3 % lost"),
        pytest.param(0.02, 400, 3, 100, id="2 % lost"),
        pytest.param(0.01, 1200, 1, 100, id="a slice cut off right before a key picture, which FFmpeg carries on"),
    ],
)
def test_no_damaged_picture_outside_the_suspect_ones(loss, mtu, seed, least_damaged):
    sent = coded(240, gop=30, kbps=1200)
    units = receive(lossy(all_datagrams(sent, mtu=mtu), loss=loss, seed=seed))
    shown, damaged, suspect = decode_live(units, sent)
    assert shown > 220
    assert least_damaged <= damaged <= suspect < 240
    assert suspect == 0 or loss


def test_a_new_sender_is_followed_and_the_time_goes_on():
    first = all_datagrams(UNITS[:20], ssrc=1)
    second = all_datagrams(UNITS[30:], ssrc=2, sequence=7, offset=123_456_789)
    depacketiser = Depacketiser()
    units = receive(first + second, depacketiser)
    assert [unit.data for unit in units] == [sent.annexb for sent in (*UNITS[:20], *UNITS[30:])]
    assert depacketiser.restarts == 1
    assert not any(unit.suspect for unit in units), "the new stream begins with a key picture"
    ticks = [unit.ticks90k for unit in units]
    assert all(0 < later - earlier < 90_000 for earlier, later in itertools.pairwise(ticks))


def test_a_new_sender_in_the_middle_of_a_group_is_suspect_up_to_its_key_picture():
    units = receive(all_datagrams(UNITS[:20], ssrc=1) + all_datagrams(UNITS[23:], ssrc=2))
    assert [unit.suspect for unit in units] == [False] * 20 + [True] * 7 + [False] * 30


def test_a_sender_that_starts_again_with_the_same_identity_is_followed():
    depacketiser = Depacketiser()
    units = receive(all_datagrams(sequence=30_000) + all_datagrams(sequence=100), depacketiser)
    assert len(units) == 2 * len(UNITS)
    assert depacketiser.restarts == 1
    assert depacketiser.lost == 0


def test_a_second_sender_on_the_port_does_not_tear_the_first_one_to_pieces():
    ours, theirs = all_datagrams(ssrc=1), all_datagrams(ssrc=2, sequence=5)
    depacketiser = Depacketiser()
    units = receive([datagram for pair in zip(ours, theirs, strict=True) for datagram in pair], depacketiser)
    assert [unit.data for unit in units] == [sent.annexb for sent in UNITS]
    assert depacketiser.ignored >= len(theirs) - 1
    assert depacketiser.restarts == 0


def without_sets(units) -> list[Coded]:
    """As a sender that gives SPS and PPS only with its first key picture."""
    kept = [nal for nal in units[0].nals if nal[0] & 31 in (7, 8)]
    return [replace(unit, nals=tuple(nal for nal in unit.nals if nal not in kept)) for unit in units]


def test_key_pictures_carry_parameter_sets_even_if_the_sender_left_them_out():
    later = without_sets(UNITS)
    depacketiser = Depacketiser()
    units = receive(all_datagrams([UNITS[0], *later[1:]]), depacketiser)
    assert depacketiser.parameter_sets_confirmed
    for unit in units:
        assert not unit.key or unit.data.startswith(depacketiser.parameter_sets)
    assert not any(unit.suspect for unit in units)


def test_late_parameter_sets_make_nothing_of_what_came_before():
    sent = [*without_sets(UNITS)[:30], *UNITS[30:]]
    units = receive(all_datagrams(sent))
    assert [bool(unit.headers) for unit in units] == [False] * 30 + [True] * 30
    assert [unit.suspect for unit in units] == [True] * 30 + [False] * 30


def test_remembered_parameter_sets_let_decoding_begin_but_stay_suspect_until_confirmed():
    learning = Depacketiser()
    receive(all_datagrams(), learning)
    sent = [*without_sets(UNITS)[:30], *UNITS[30:]]
    units = receive(all_datagrams(sent), Depacketiser(parameter_sets=learning.parameter_sets))
    assert all(unit.headers for unit in units)
    assert [unit.suspect for unit in units] == [True] * 30 + [False] * 30
    shown, damaged, _ = decode_live(units, UNITS)
    assert (shown, damaged) == (60, 0)


def test_other_parameter_sets_than_the_remembered_ones_replace_them():
    smaller = Depacketiser()
    receive(all_datagrams(coded(15, width=256, height=128)), smaller)
    depacketiser = Depacketiser(parameter_sets=smaller.parameter_sets)
    units = receive(all_datagrams(), depacketiser)
    assert depacketiser.parameter_sets != smaller.parameter_sets
    assert not any(unit.suspect for unit in units)


def test_parameter_sets_in_packets_with_a_time_of_their_own_are_no_picture():
    sender = RtpSender(aggregate=False)
    datagrams = []
    for unit, bare in zip(UNITS, without_sets(UNITS), strict=True):
        sets = [nal for nal in unit.nals if nal[0] & 31 in (7, 8)]
        datagrams += [sender.datagram(nal, unit.ticks + 1, marker=True) for nal in sets]
        datagrams += sender.datagrams(replace(bare, ticks=unit.ticks + 2))
    units = receive(datagrams)
    assert len(units) == len(UNITS)
    assert not any(unit.suspect for unit in units)


GOOD = RtpSender().datagrams(UNITS[0])[0]


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(GOOD[:11], id="cut within the header"),
        pytest.param(b"\x40" + GOOD[1:], id="version 1"),
        pytest.param(b"\x8f" + GOOD[1:12], id="more contributing sources than bytes"),
        pytest.param(b"\x90" + GOOD[1:14], id="header extension cut off"),
        pytest.param(
            b"\x90" + GOOD[1:12] + b"\0\0\xff\xff" + bytes(20), id="header extension longer than the datagram"
        ),
        pytest.param(b"\xa0" + GOOD[1:-1] + b"\xff", id="more padding than payload"),
        pytest.param(b"\xa0" + GOOD[1:-1] + b"\0", id="padding of no length"),
    ],
)
def test_what_is_no_rtp_is_counted_and_nothing_else(datagram):
    if len(datagram) > 40:
        datagram = datagram[:30] + datagram[-1:]
    depacketiser = Depacketiser()
    sent = all_datagrams()
    units = receive([*sent[:100], datagram, *sent[100:]], depacketiser)
    assert depacketiser.malformed == 1
    assert [unit.data for unit in units] == [unit.annexb for unit in UNITS]
    assert not any(unit.suspect for unit in units)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\x78", id="STAP-A with nothing in it"),
        pytest.param(b"\x78\x00", id="STAP-A cut within a length"),
        pytest.param(b"\x78\x00\x00", id="STAP-A with a NAL unit of no length"),
        pytest.param(b"\x78\x00\x09\x67abc", id="STAP-A longer than the packet"),
        pytest.param(b"\x78\x00\x03\x78\x00\x01", id="STAP-A within a STAP-A"),
        pytest.param(b"\x7c", id="FU-A without its header"),
        pytest.param(b"\x7c\x85", id="FU-A without content"),
        pytest.param(b"\x7c\x05abc", id="FU-A that never began"),
        pytest.param(b"\x7c\x85abc", id="FU-A that never ends"),
        pytest.param(b"\x7c\xd8abc", id="FU-A of a STAP-A"),
        pytest.param(b"\x79\x00\x01\x00\x01\x67", id="STAP-B"),
        pytest.param(b"\x7a\x00\x01\x00\x01\x67", id="MTAP16"),
        pytest.param(b"\x7d\x85\x00\x00abc", id="FU-B"),
        pytest.param(b"\x00abc", id="NAL unit of type 0"),
        pytest.param(b"\xe5abc", id="forbidden bit"),
        pytest.param(b"\x65", id="NAL unit without content"),
    ],
)
def test_a_payload_that_makes_no_sense_counts_as_a_hole(payload):
    sender = RtpSender()
    datagrams = [datagram for sent in UNITS[:20] for datagram in sender.datagrams(sent)]
    datagrams.append(sender.datagram(payload, UNITS[20].ticks, marker=False))
    datagrams += [datagram for sent in UNITS[20:] for datagram in sender.datagrams(sent)]
    depacketiser = Depacketiser()
    units = receive(datagrams, depacketiser)
    if payload == b"\x78":
        assert not any(unit.suspect for unit in units), "nothing is missing from an empty aggregate"
        return
    assert [unit.suspect for unit in units] == [False] * 20 + [True] * 10 + [False] * 30
    assert depacketiser.malformed + sum(unit.damaged for unit in units) >= 1


@pytest.mark.parametrize("kind", [72, 77, 0, 33], ids=["RTCP sender report", "RTCP", "PCMU sound", "MPEG-TS"])
def test_other_kinds_of_packets_are_ignored(kind):
    depacketiser, other = Depacketiser(), RtpSender(ssrc=9)
    stray = other.datagram(bytes(40), 0, marker=kind >= 64, kind=kind)
    sent = all_datagrams()
    assert len(receive([stray, *sent[:50], stray, *sent[50:]], depacketiser)) == len(UNITS)
    assert depacketiser.ignored == 2


def test_empty_packets_that_keep_a_path_open_are_no_loss():
    sender = RtpSender()
    datagrams = []
    for sent in UNITS:
        datagrams += [*sender.datagrams(sent), sender.datagram(b"", sent.ticks, marker=False)]
    units = receive(datagrams)
    assert [unit.data for unit in units] == [sent.annexb for sent in UNITS]
    assert not any(unit.suspect for unit in units)


header = st.builds(
    lambda flags, kind, sequence, stamp, ssrc: struct.pack("!BBHII", flags, kind, sequence, stamp, ssrc),
    st.sampled_from([0x80, 0x90, 0xA0, 0x8F, 0x40]) | st.integers(0, 255),
    st.sampled_from([96, 224, 200]) | st.integers(0, 255),
    st.integers(0, 30) | st.integers(0, 65_535),
    st.sampled_from([0, 3000, 6000]) | st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2]) | st.integers(0, 2**32 - 1),
)
payload = st.builds(
    lambda kind, rest: bytes([kind]) + rest,
    st.sampled_from([0x78, 0x7C, 0x65, 0x61, 0x67, 0x68, 0x09]) | st.integers(0, 255),
    st.binary(max_size=60),
)


@given(st.lists(st.builds(bytes.__add__, header, payload | st.just(b"")) | st.binary(max_size=80), max_size=60))
@settings(max_examples=80, deadline=None)
def test_nothing_that_arrives_raises(datagrams):
    depacketiser = Depacketiser()
    units = receive(datagrams, depacketiser)
    units += depacketiser.give_up_gaps()
    assert all(unit.data.startswith(b"\0\0\0\1") for unit in units)
    assert depacketiser.packets + depacketiser.ignored + depacketiser.malformed >= len(datagrams) - 1
    assert [unit.suspect for unit in units if unit.damaged] == [True] * sum(unit.damaged for unit in units)
    # ... and the real stream is understood afterwards, at the latest from its second key picture on.
    after = receive(all_datagrams(ssrc=0xABCDEF), depacketiser)
    assert [unit.data for unit in after if unit.rtp90k >= UNITS[15].ticks][-30:] == [u.annexb for u in UNITS[30:]]


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_a_stream_with_flipped_and_cut_bytes_never_raises_and_keeps_its_promise(data):
    datagrams = all_datagrams(UNITS[:30])
    for at in data.draw(st.lists(st.integers(0, len(datagrams) - 1), max_size=8, unique=True)):
        hurt = bytearray(datagrams[at])
        hurt[data.draw(st.integers(0, min(len(hurt) - 1, 16)))] ^= data.draw(st.integers(1, 255))
        datagrams[at] = bytes(hurt[: data.draw(st.integers(0, len(hurt)))])
    for unit in receive(datagrams):
        assert unit.suspect or not unit.damaged


@pytest.mark.parametrize(
    ("stamps", "arrivals", "steps"),
    [
        pytest.param([2**32 - 3000, 0], [0.0, 0.033], [3000], id="goes on over the wrap"),
        pytest.param([9000, 6000], [0.0, 0.033], [-3000], id="takes a small step back as reordered pictures"),
        pytest.param([0, 90_000 * 300], [0.0, 300.0], [27_000_000], id="believes a long gap as long as the silence"),
        pytest.param([0, 90_000 * 300], [0.0, 0.033], [2970], id="bridges a jump ahead by the arrival"),
        pytest.param([90_000 * 300, 0], [0.0, 0.033], [2970], id="bridges a jump back by the arrival"),
        pytest.param([0, 3000], [0.0, 1e9], [3000], id="keeps an even pace while the mission clock is set"),
        pytest.param([0, 90_000 * 300], [0.0, 1e9], [54_000_000], id="bridges at most ten minutes"),
        pytest.param([0, 90_000 * 300], [5.0, 1.0], [1], id="never goes back over a bridge"),
    ],
)
def test_the_time_line(stamps, arrivals, steps):
    line = TimeLine()
    ticks = [line.ticks(stamp, arrival) for stamp, arrival in zip(stamps, arrivals, strict=True)]
    assert ticks[0] == stamps[0]
    assert [later - earlier for earlier, later in itertools.pairwise(ticks)] == steps


def test_padding_and_extensions_are_taken_off():
    plain = parse_rtp(GOOD)
    dressed = bytes([GOOD[0] | 0x31, *GOOD[1:12]]) + b"csrc" + b"\xbe\xde\x00\x01extn" + GOOD[12:] + b"\0\0\x03"
    assert plain is not None
    assert parse_rtp(dressed) == plain
