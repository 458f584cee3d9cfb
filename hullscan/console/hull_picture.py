"""The hull with track and coverage in characters: shades for the hull, braille dots for the way, numbers for findings.

What a colour tells is told by the character too: ``·`` hull that is not asked for, ``░`` not seen yet, ``▓`` partly
seen, ``█`` seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from rich.text import Text

from hullscan.console.snapshot import HullImage, Place
from hullscan.words import mark

__all__ = ["hull_picture"]

_SHADES = {" ": "", "·": "#5f7078", "░": "#b3a386", "▓": "#4789a3", "█": "#3d87a6"}
_TRACK_ON = {" ": "", "·": "on #1b2930", "░": "on #3a352a", "▓": "on #234c5e", "█": "on #1f5f7c"}
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # Unicode 2800, rows by columns
_MARGIN = 2
_JUMP_SHARE = 0.2  # of the width: round the ends of the ship the way leaves the picture and comes back elsewhere
Words = Callable[[str], str]


def hull_picture(image: HullImage, width: int, height: int, words: Words) -> Text:
    """The picture with its axis, ``height`` lines of ``width`` cells."""
    lines, columns = height - 1, width - 2 * _MARGIN
    if not image.kinds or lines < 2 or columns < 20:
        return Text()
    pixels = np.frombuffer(image.kinds.encode("ascii"), np.uint8).reshape(image.rows, image.columns) - ord("0")
    shade = _shades(pixels, lines, columns)
    dots = _dots(image.track, lines, columns)
    marks = _marks(image, lines, columns)
    text = Text(no_wrap=True)
    for row in range(lines):
        text.append(_side_letter(image, row, lines, words), style="dim")
        for column in range(columns):
            letter = str(shade[row, column])
            if (row, column) in marks:
                sign, style = marks[row, column]
                text.append(sign, style=style)
            elif dots[row, column]:
                text.append(chr(0x2800 + int(dots[row, column])), style=f"bold white {_TRACK_ON[letter]}")
            else:
                text.append(letter, style=_SHADES[letter])
        text.append("\n")
    text.append_text(_axis(image, columns))
    return text


def _shades(pixels: npt.NDArray[np.uint8], lines: int, columns: int) -> npt.NDArray[np.str_]:
    """(lines, columns) one character for the pixels that fall into each cell."""
    rows = (np.arange(pixels.shape[0]) * lines // pixels.shape[0]).astype(int)
    across = (np.arange(pixels.shape[1]) * columns // pixels.shape[1]).astype(int)
    cell = rows[:, None] * columns + across[None, :]
    counts = np.stack([np.bincount(cell.ravel(), (pixels == kind).ravel(), lines * columns) for kind in range(4)])
    total = counts.sum(axis=0)
    # a screen with more cells than pixels repeats the pixel
    empty = total == 0
    if empty.any():
        again = pixels[
            np.minimum(np.arange(lines) * pixels.shape[0] // lines, pixels.shape[0] - 1)[:, None],
            np.minimum(np.arange(columns) * pixels.shape[1] // columns, pixels.shape[1] - 1)[None, :],
        ].ravel()
        counts[:, empty] = (again[None, :] == np.arange(4)[:, None])[:, empty]
        total = counts.sum(axis=0)
    none, hull, asked, seen = counts
    out = np.full(lines * columns, "·")
    out[none > total / 2] = " "
    wanted = asked + seen
    out[(wanted > 0) & (wanted >= hull) & (none <= total / 2)] = "░"
    share = seen / np.maximum(wanted, 1e-9)
    big = (wanted > 0) & (wanted >= hull) & (none <= total / 2)
    out[big & (share > 0.15)] = "▓"
    out[big & (share > 0.85)] = "█"
    return out.reshape(lines, columns)


def _dots(track: tuple[Place, ...], lines: int, columns: int) -> npt.NDArray[np.int64]:
    """(lines, columns) braille patterns of the way."""
    patterns = np.zeros((lines, columns), np.int64)
    if not track:
        return patterns
    at = np.array(track)
    # between two places that lie near each other the way is drawn through
    at = at * [columns * 2, lines * 4]
    gap = np.abs(np.diff(at, axis=0)).max(axis=1, initial=0.0)
    counts = np.where(gap < _JUMP_SHARE * columns * 2, np.maximum(np.ceil(gap), 1), 1).astype(int)
    along = np.concatenate([[0.0], *(i + np.arange(1, n + 1) / n for i, n in enumerate(counts.tolist()))])
    x, y = (np.interp(along, np.arange(len(at)), at[:, axis]).astype(int) for axis in (0, 1))
    inside = (x >= 0) & (x < columns * 2) & (y >= 0) & (y < lines * 4)
    x, y = x[inside], y[inside]
    np.bitwise_or.at(patterns, (y // 4, x // 2), _DOTS[y % 4, x % 2])
    return patterns


def _marks(image: HullImage, lines: int, columns: int) -> dict[tuple[int, int], tuple[str, str]]:
    """Signs by cell; the vehicle goes over findings, findings over flags."""
    found = [(place, "⚑", "bold #ffd21f on #16242b") for place in image.flags]
    found += [
        (place, str(number), "bold white on #c8401e") for number, place in reversed([*enumerate(image.findings, 1)])
    ]
    found += [(place, "◆", "bold #ff9f1a on #16242b") for place in image.track[-1:]]
    out = {}
    for (x, y), sign, style in found:
        column, row = int(x * columns), int(y * lines)
        if 0 <= column < columns and -1 <= row <= lines:
            out[min(max(row, 0), lines - 1), column] = (sign, style)
    return out


def _side_letter(image: HullImage, row: int, lines: int, words: Words) -> str:
    """Port or starboard at the left edge, one letter a line."""
    letters = {"port": mark("P (port)"), "starboard": mark("S (starboard)")}
    count = len(image.sides)
    for number, side in enumerate(image.sides):
        if row == int((number + 0.5) * lines / max(count, 1)):
            letter = words(letters[side])[:1]
            return letter + " " * (_MARGIN - Text(letter).cell_len)
    return " " * _MARGIN


def _axis(image: HullImage, columns: int) -> Text:
    first, last = image.stations_m
    step = next(each for each in (1, 2, 5, 10, 20, 50, 100) if (last - first) / each <= columns / 9 or each == 100)
    line = [" "] * columns
    for station in np.arange(np.ceil(first / step) * step, last, step).tolist():
        label = f"{station + 0.0:g}"
        at = int((station - first) / (last - first) * columns)
        if at + len(label) < columns:
            line[at : at + len(label)] = label
    unit = "m"
    return Text(" " * _MARGIN + "".join(line) + unit, style="dim", no_wrap=True)
