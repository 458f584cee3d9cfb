"""The hash of the software in a record is what two ordinary tools say of the installed package."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import hullscan
from hullscan.record import software


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_anybody_can_make_the_hash_again_as_the_docstring_says() -> None:
    command = re.search(r"cd site-packages/hullscan && (find .*?sha256sum)\n", software.__doc__ or "", re.DOTALL)
    assert command is not None
    package = Path(hullscan.__file__).parent
    done = subprocess.run(command[1], cwd=package, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == software.software_sha256()


def test_another_file_or_another_name_is_another_software(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    first = software.software_sha256(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    software.software_sha256.cache_clear()
    assert software.software_sha256(tmp_path) != first
    software.software_sha256.cache_clear()
