"""The report in every form that this installation can make."""

from __future__ import annotations

from pathlib import Path

from hullscan.record.folder import MissionFolder
from hullscan.report.html import write_report
from hullscan.report.pdf import pdf_is_possible, write_pdf
from hullscan.report.unplaced import write_unplaced_report

__all__ = ["write_reports"]


def write_reports(folder: MissionFolder, language: str = "en") -> list[Path]:
    """``report.html`` always, ``report.pdf`` of a mission where the extra ``report`` is installed.

    Raises:
        RecordError: a result file is missing or damaged, or a report cannot be written.
    """
    if not folder.placed:
        return [write_unplaced_report(folder, language)]
    written = [write_report(folder, language)]
    if pdf_is_possible():
        written.append(write_pdf(folder, language))
    return written
