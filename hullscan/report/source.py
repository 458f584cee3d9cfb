"""What exports are made from: the result files of a mission folder, and words in a language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hullscan.record.folder import MissionFolder
from hullscan.words import fill, mark, translator

__all__ = ["Source", "Words", "written"]

Words = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Source:
    """What is written: the folder, its findings, and the language of words for people."""

    folder: MissionFolder
    findings: dict[str, Any]
    language: str

    @property
    def words(self) -> Words:
        """Translator into the language."""
        return translator(self.language)

    @property
    def all(self) -> list[dict[str, Any]]:
        """The findings."""
        findings: list[dict[str, Any]] = self.findings["findings"]
        return findings

    def title(self, finding: dict[str, Any]) -> str:
        """Number and label of a finding."""
        label = self.words(str(finding["label"]))
        return f"{finding['id']} {label}"

    def place(self, finding: dict[str, Any]) -> str:
        """Where a finding is on the hull."""
        message = mark("{side}, station {station:.1f} m, depth {depth:.1f} m, ± {radius:.2f} m")
        data = {
            "side": self.words(str(finding["side"])),
            "station": float(finding["station_m"]),
            "depth": float(finding["depth_m"]),
            "radius": float(finding["radius95_m"]),
        }
        return fill(self.words(message), data)


def written(path: Path, text: str) -> Path:
    """Write a text file, its folder too.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
    return path
