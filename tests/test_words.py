"""Message catalogues: every marked message in both languages, with the same placeholders."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import hullscan
from hullscan.errors import InputError
from hullscan.vehicle.parameter_file import load_parameters
from hullscan.vehicle.shipped_parameters import shipped_folder
from hullscan.words import LANGUAGES, fill, said, translator

PACKAGE = Path(hullscan.__file__).parent


def marked_messages() -> set[str]:
    messages = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "mark":
                (argument,) = node.args
                if path.name != "words.py" or isinstance(argument, ast.Constant):
                    assert isinstance(argument, ast.Constant), f"{path.name}:{node.lineno} marks something computed"
                    messages.add(argument.value)
    for path in shipped_folder().glob("*.param"):
        messages |= {line.why for line in load_parameters(path).lines}
    for path in PACKAGE.rglob("*.j2"):
        messages |= set(re.findall(r'_\("((?:[^"\\]|\\.)*)"\)', path.read_text(encoding="utf-8")))
    return messages


def catalogue(language: str) -> dict[str, str]:
    with (PACKAGE / "locale" / f"{language}.po").open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id}


def placeholders(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_has_every_message_and_no_other(language: str) -> None:
    entries = catalogue(language)
    assert set(entries) == marked_messages()
    assert not [message for message, text in entries.items() if not text.strip()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_same_placeholders(language: str) -> None:
    for message, text in catalogue(language).items():
        assert placeholders(message) == placeholders(text), message


def test_korean_is_korean() -> None:
    words = translator("ko")
    assert words("starboard") == "우현"
    hangul = [text for text in catalogue("ko").values() if re.search("[가-힣]", text)]
    assert len(hangul) > 0.95 * len(catalogue("ko"))


def test_messages_are_filled_with_their_data() -> None:
    assert fill("battery {volts:.1f} V", {"volts": 14.26}) == "battery 14.3 V"
    assert fill("plain {text}", {}) == "plain {text}"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InputError, match="en, ko"):
        translator("xx")


def test_a_message_among_the_data_is_told_in_the_readers_language_too() -> None:
    change = {
        "message": "mode changed from {before} to {after}, not by hullscan",
        "data": {"before": "GUIDED", "after": "MANUAL"},
    }
    message, data = "somebody else flies: {reason}", {"reason": {"message": "{change} ({text})", "data": {}}}
    data["reason"]["data"] = {"change": change, "text": "a button"}
    assert fill(message, data) == (
        "somebody else flies: mode changed from GUIDED to MANUAL, not by hullscan (a button)"
    )
    told = said(message, data, translator("ko"))
    assert "GUIDED" in told
    assert "MANUAL" in told
    assert not re.search("somebody|changed|by hullscan", told)
