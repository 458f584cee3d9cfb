"""The report on paper: read back by PDFium; same words, same numbers, same bytes each time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from test_report import HARM, HOSTILE, UTC_S, Parts, finding, hull, made, spoken_by

from hullscan.errors import InputError, RecordError
from hullscan.report import pdf
from hullscan.report.pdf import write_pdf

__all__ = ["hull"]  # the fixture


def text_of(path: Path) -> str:
    document = pypdfium2.PdfDocument(path)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def some(hull: Any, count: int) -> Parts:
    findings = [finding(hull, number, 18.0 + 0.4 * number, 2.0) for number in range(1, count + 1)]
    return Parts(findings, track=[[UTC_S + second, 31 + 0.25 * second, 7.0, 2.0, -90.0] for second in range(20)])


@pytest.mark.parametrize("count", [0, 3, 40])
@pytest.mark.parametrize(
    ("language", "words"), [("en", "Hull search report"), ("ko", "선체 수색 보고서")], ids=["English", "Korean"]
)
def test_the_first_page_holds_the_result(tmp_path, hull, count, language, words):
    path = write_pdf(made(tmp_path / "m", some(hull, count)), language)
    document = pypdfium2.PdfDocument(path)
    first = document[0].get_textpage().get_text_range()
    document.close()
    assert words in first
    assert re.search(rf"\b{count}\b", first)
    assert b"pdfaid" in path.read_bytes()


def test_the_same_folder_gives_the_same_bytes(tmp_path, hull):
    folder = made(tmp_path / "m", some(hull, 2))
    assert write_pdf(folder).read_bytes() == write_pdf(folder).read_bytes()


def test_every_hangul_syllable_has_its_glyph():
    from fontTools.ttLib import TTFont

    for path in sorted((Path(pdf.__file__).parent / "fonts").glob("*.otf")):
        known = set(TTFont(path).getBestCmap())
        assert set(range(0xAC00, 0xD7A4)) <= known, path.name
        assert set(map(ord, "±°·–×²→≤≥ÄÖÜäöüßéèñ")) <= known, path.name


@pytest.mark.parametrize("language", ["en", "ko"])
def test_hostile_words_stay_words(tmp_path, hull, language):
    words = HOSTILE + '#panic("read as markup") $x$ *bold* _under_ `raw` [a](b) \\ #image("/etc/passwd")'
    path = write_pdf(made(tmp_path / "m", spoken_by(words, hull)), language)
    text = re.sub(r"\s", "", text_of(path))
    assert '#panic("readasmarkup")$x$*bold*_under_`raw`' in text


@pytest.mark.parametrize(("harm", "words"), HARM)
def test_results_that_cannot_be_read_are_said_in_one_line(tmp_path, hull, harm, words):
    folder = made(tmp_path / "m", Parts([]))
    harm(folder.path)
    with pytest.raises(RecordError) as told:
        write_pdf(folder)
    assert words in str(told.value)
    assert "\n" not in str(told.value)
    assert not (folder.path / "report.pdf").exists()


def test_without_typst_it_says_what_to_install(tmp_path, hull, monkeypatch):
    monkeypatch.setattr(pdf, "pdf_is_possible", lambda: False)
    with pytest.raises(InputError, match=r"hullscan\[report\]"):
        write_pdf(made(tmp_path / "m", Parts([])))
