import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hullscan.errors import HullscanError, InputError
from hullscan.vehicle.address import DEFAULT_ADDRESS, FORMS, Address, Scheme, parse_address

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NORMALISED = {
    "the default of BlueOS": ("udpin:0.0.0.0:14550", "udpin:0.0.0.0:14550"),
    "udp is udpin, as pymavlink reads it": ("udp:0.0.0.0:14550", "udpin:0.0.0.0:14550"),
    "a pasted MAVSDK address": ("udp://0.0.0.0:14540", "udpin:0.0.0.0:14540"),
    "a pasted MAVSDK address with its direction": ("udpin://0.0.0.0:14540/", "udpin:0.0.0.0:14540"),
    "MAVSDK's short form without a host": ("udp://:14540", "udpin:0.0.0.0:14540"),
    "speaking first": ("udpout:192.168.2.2:14550", "udpout:192.168.2.2:14550"),
    "a simulator's TCP server": ("tcp:127.0.0.1:5760", "tcp:127.0.0.1:5760"),
    "BlueOS's tcpout": ("tcpout:192.168.2.2:5777", "tcp:192.168.2.2:5777"),
    "waiting for one connection": ("tcpin:0.0.0.0:5760", "tcpin:0.0.0.0:5760"),
    "capital letters and spaces around": ("  TCP:blueos.local:5777 ", "tcp:blueos.local:5777"),
    "an IPv6 host in brackets": ("udpout:[::1]:14550", "udpout:[::1]:14550"),
    "a device with its baud rate": ("/dev/ttyACM0,57600", "serial:/dev/ttyACM0:57600"),
    "a device without a baud rate": ("/dev/ttyUSB0", "serial:/dev/ttyUSB0:115200"),
    "a Windows port": ("COM3,57600", "serial:COM3:57600"),
    "BlueOS's serial form": ("serial:/dev/ttyAMA0:115200", "serial:/dev/ttyAMA0:115200"),
    "MAVSDK's serial form": ("serial:///dev/ttyACM0:57600", "serial:/dev/ttyACM0:57600"),
}


@pytest.mark.parametrize(("text", "normal"), NORMALISED.values(), ids=NORMALISED.keys())
def test_what_people_paste_becomes_one_form(text, normal):
    address = parse_address(text)
    assert str(address) == normal
    assert parse_address(str(address)) == address


REFUSED = {
    "nothing": "",
    "a bare host": "192.168.2.2",
    "no port": "udpin:0.0.0.0",
    "a port that is no number": "udpin:0.0.0.0:mavlink",
    "a port out of range": "udpin:0.0.0.0:70000",
    "port zero": "udpin:0.0.0.0:0",
    "no host to speak to": "udpout::14550",
    "a recorded file": "flight.tlog",
    "a web socket, which pymavlink knows and we do not": "ws:127.0.0.1:8080",
    "a device outside /dev": "serial:/etc/passwd:9600",
    "a device that climbs out of /dev": "/dev/../etc/passwd",
    "a port in other digits": "udpin:0.0.0.0:１４５５０",
    "a line break inside": "udpin:0.0.0.0:14550\nudpin:0.0.0.0:1",
    "a host with a space": "tcp:my vehicle:5760",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_other_forms_are_refused_with_the_list_of_forms(text):
    with pytest.raises(InputError) as refused:
        parse_address(text)
    assert all(form in str(refused.value) for form in FORMS)
    assert "\n" not in str(refused.value)


def test_listening_addresses_say_so():
    assert parse_address(DEFAULT_ADDRESS).is_listening
    assert not Address(Scheme.TCP, "127.0.0.1", 5760).is_listening


@PATIENT
@given(st.text(max_size=60) | st.from_regex(r"(udp|tcp|serial|/dev/)[a-z:/.,0-9\[\]]{0,40}", fullmatch=True))
def test_any_text_is_an_address_or_a_clear_refusal(text):
    try:
        address = parse_address(text)
    except HullscanError:
        return
    assert parse_address(str(address)) == address
