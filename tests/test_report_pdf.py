"""The report on paper: read back by PDFium; same words, same numbers, same bytes each time."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
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


def told(words: str, hull: Any) -> Parts:
    """A mission with these words in its title, in a drawing and in the text."""
    parts = some(hull, 1)
    parts.mission = parts.mission.replace("MV Haneul", f'"{"".join(f"{chr(92)}U{ord(each):08X}" for each in words)}"')
    parts.summary["ended_by"] = parts.coverage["cells"]["side"][0] = words
    parts.events = [("{words}", {"words": words})]
    return parts


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
        assert set(map(ord, "±°·–×²→≤≥ÄÖÜäöüßéèñㄱㅎㅏㅣ")) <= known, path.name
        ours = {code for code in range(0x20, 0x10000) if pdf._in_own_letters(chr(code)) == chr(code)}
        assert ours <= known, path.name


ODD = [
    pytest.param("เรือไทย", "□□□□□□", id="Thai"),
    pytest.param("🚢 海龍丸", "□ □□□", id="a picture and Hanja"),
    pytest.param("ㅎㅎ ＡＢ ｱ Đông", "ㅎㅎ ＡＢ ｱ Đông", id="letters of Hangul, wide and narrow ones, Vietnamese"),
    pytest.param("\u1112\u1161\u11ab\u1100\u1173\u11af e\u0301", "한글 é", id="letters in pieces, as macOS types them"),
    pytest.param("a\x07b\x00c\u2028d\ufffee", "a b c d e", id="characters that are none"),
    pytest.param("a\u202eb", "a b", id="a turn of the writing"),
]


@pytest.mark.parametrize(("words", "shown"), ODD)
def test_any_letter_is_shown_or_a_box_stands_for_it(tmp_path, hull, words, shown):
    note = "이 파일의 글꼴에 없는 글자는 □로 표시했습니다. HTML 보고서에는 그대로 나옵니다."
    cases = {"given": words, "expected": shown}
    paths = [write_pdf(made(tmp_path / name, told(each, hull)), "ko") for name, each in cases.items()]
    odd, plain = (re.sub(r"\s", "", text_of(path)) for path in paths)
    assert odd.replace(re.sub(r"\s", "", note), "") == plain
    assert (odd != plain) == ("□" in shown)
    assert breaches(paths[0].read_bytes()) == []


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


# --- ISO 19005-2 (PDF/A-2), level B: the rules that can be checked without rendering, read by qpdf ---

FORBIDDEN_ACTIONS = {"/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition",
                     "/Trans", "/GoTo3DView", "/JavaScript"}  # fmt: skip
FORBIDDEN_ANNOTATIONS = {"/3D", "/Sound", "/Screen", "/Movie"}
SHOWN = {"/DeviceRGB", "/DeviceGray", "/ICCBased", "/Indexed", "/Separation", "/CalRGB", "/CalGray", "/Lab", "/Pattern"}


def breaches(raw: bytes) -> list[str]:
    """Which rules a file breaks."""
    found = []

    def rule(holds: bool, words: str) -> None:
        if not holds:
            found.append(words)

    head = raw.split(b"\n", 2)
    rule(bool(re.fullmatch(rb"%PDF-1\.[0-7]", head[0])), "6.1.2 header")
    rule(head[1][:1] == b"%" and sum(byte > 127 for byte in head[1][1:5]) == 4, "6.1.2 comment of high bytes")
    with pikepdf.open(io.BytesIO(raw)) as file:
        rule("/Encrypt" not in file.trailer, "6.1.3 encryption")
        rule("/ID" in file.trailer, "6.1.3 identifier")
        rule("/AA" not in file.Root and "/OCProperties" not in file.Root, "6.5.2 actions of the catalogue, 6.9 layers")
        metadata = file.Root.Metadata
        rule("/Filter" not in metadata, "6.6.2 metadata filtered")
        with file.open_metadata(set_pikepdf_as_editor=False) as xmp:
            rule((xmp.get("pdfaid:part"), xmp.get("pdfaid:conformance")) == ("2", "B"), "6.6.4 identification")
            if "/Title" in file.docinfo:
                rule(str(file.docinfo.Title) == xmp.get("dc:title"), "6.6.3 title differs from metadata")
        intents = [each for each in file.Root.OutputIntents if each.S == "/GTS_PDFA1"]
        rule(len(intents) == 1, "6.2.3 output intent")
        profiles = [each.DestOutputProfile.read_bytes() for each in intents]
        rule(all(profile[36:40] == b"acsp" for profile in profiles), "6.2.3 profile is no ICC profile")
        for each in (inner for item in file.objects for inner in _within(item)):
            found += [words for holds, words in _of_object(each) if not holds]
        forms = [each for each in file.objects if isinstance(each, pikepdf.Stream) and each.get("/Subtype") == "/Form"]
        for drawn in (*file.pages, *forms):
            rule(not _shows_no_glyph(drawn), "6.2.11.8 a letter without a glyph")
        for page in file.pages:
            rule("/AA" not in page, "6.5.2 actions of a page")
            for annotation in page.get("/Annots", []):
                rule(annotation.Subtype not in FORBIDDEN_ANNOTATIONS, "6.3.1 annotation")
                flags = int(annotation.get("/F", 0))
                rule(annotation.Subtype == "/Popup" or flags & 4 == 4, "6.3.2 annotation is not printed")
                rule(flags & (1 | 2 | 32 | 256) == 0, "6.3.2 annotation is hidden")
                rule(annotation.Subtype == "/Link" or "/AP" in annotation, "6.3.3 no appearance")
    return found


def _shows_no_glyph(drawn: Any) -> bool:
    """Whether text on a page or in a form shows glyph 0 (.notdef) of a font with two bytes for each glyph."""
    fonts, font = drawn.get("/Resources", {}).get("/Font", {}), pikepdf.Dictionary()
    for operands, operator in pikepdf.parse_content_stream(drawn):
        if str(operator) == "Tf":
            font = fonts[str(operands[0])]
        elif str(operator) in ("Tj", "TJ", "'", '"') and font.get("/Encoding") == "/Identity-H":
            parts = operands[-1] if isinstance(operands[-1], pikepdf.Array) else operands[-1:]
            raw = b"".join(bytes(part) for part in parts if isinstance(part, pikepdf.String))
            if b"\0\0" in {raw[at : at + 2] for at in range(0, len(raw), 2)}:
                return True
    return False


def _within(each: Any) -> Iterator[Any]:
    """The dictionaries and streams in an object of the file, those of other objects left out."""
    if isinstance(each, (pikepdf.Dictionary, pikepdf.Stream)):
        yield each
        parts = [each[key] for key in each.keys()]  # noqa: SIM118 - a stream is no mapping
    else:
        parts = list(each) if isinstance(each, pikepdf.Array) else []
    for part in parts:
        if not getattr(part, "is_indirect", False):
            yield from _within(part)


def _of_object(each: Any) -> list[tuple[bool, str]]:
    """(holds, which rule) for one dictionary or stream."""
    rules = [
        (each.get("/S") not in FORBIDDEN_ACTIONS, "6.5.1 action"),
        ("/JS" not in each, "6.5.1 script"),
        ("/TR" not in each and each.get("/TR2", "/Default") == "/Default", "6.2.5 transfer function"),
    ]
    if isinstance(each, pikepdf.Stream):
        filters = each.get("/Filter", [])
        names = {str(name) for name in ([filters] if isinstance(filters, pikepdf.Name) else filters)}
        rules += [("/F" not in each, "6.1.7 external stream"), (not names & {"/LZWDecode", "/Crypt"}, "6.1.7 filter")]
        rules.append((each.get("/Subtype") != "/PS" and "/PS" not in each, "6.2.9 PostScript"))
        if each.get("/Subtype") == "/Image":
            space = each.get("/ColorSpace", pikepdf.Name.DeviceGray)
            name = str(space if isinstance(space, pikepdf.Name) else space[0])
            rules.append((name in SHOWN, f"6.2.4 {name}"))
            rules.append((not each.get("/Interpolate", False), "6.2.8 interpolated"))
    if each.get("/Type") == "/FontDescriptor":
        rules.append((bool({"/FontFile", "/FontFile2", "/FontFile3"} & set(each.keys())), "6.2.11.4 font not embedded"))
    if each.get("/Type") == "/Font" and each.get("/Subtype") != "/Type0" and each.get("/Subtype") != "/Type3":
        rules.append(("/FontDescriptor" in each, "6.2.11.4 font without a descriptor"))
    if each.get("/Type") == "/Filespec":
        rules.append((False, "6.8 embedded file"))
    return rules


@pytest.mark.parametrize("count", [0, 3, 40])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_report_keeps_the_rules_of_pdf_a(tmp_path, hull, count, language):
    assert breaches(write_pdf(made(tmp_path / "m", some(hull, count)), language).read_bytes()) == []


def without_profile(file: pikepdf.Pdf) -> None:
    file.Root.OutputIntents[0].S = pikepdf.Name("/GTS_PDFX")


def with_a_script(file: pikepdf.Pdf) -> None:
    file.Root.OpenAction = pikepdf.Dictionary(Type=pikepdf.Name.Action, S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def without_fonts(file: pikepdf.Pdf) -> None:
    for each in file.objects:
        if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/FontDescriptor":
            for key in {"/FontFile2", "/FontFile3"} & set(each.keys()):
                del each[key]


def without_a_glyph(file: pikepdf.Pdf) -> None:
    page = file.pages[0]
    name = next(iter(page.Resources.Font.keys()))
    page.contents_add(f"BT {name} 9 Tf 9 9 Td <00010000> Tj ET".encode())


BREAKS = [
    pytest.param(without_a_glyph, "6.2.11.8", id="a letter without a glyph"),
    pytest.param(without_profile, "6.2.3", id="no colour profile"),
    pytest.param(with_a_script, "6.5.1", id="a script"),
    pytest.param(without_fonts, "6.2.11.4", id="fonts left out"),
]


@pytest.mark.parametrize(("harm", "rule"), BREAKS)
def test_a_file_that_breaks_a_rule_is_noticed(tmp_path, hull, harm, rule):
    path = write_pdf(made(tmp_path / "m", some(hull, 0)))
    with pikepdf.open(path) as file:
        harm(file)
        file.save(tmp_path / "harmed.pdf")
    assert any(words.startswith(rule) for words in breaches((tmp_path / "harmed.pdf").read_bytes()))
