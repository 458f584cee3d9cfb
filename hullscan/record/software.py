"""Which software made a result: a hash over every file of the installed package, that anybody can make again.

    cd site-packages/hullscan && find . -name '*.py' -o -name '*.yaml' -o -name '*.j2' -o -name '*.typ' \\
        -o -name '*.po' | LC_ALL=C sort | xargs sha256sum | sha256sum
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Final

from hullscan.record.seal import digest

__all__ = ["software_sha256"]

_PACKAGE: Final = Path(__file__).parents[1]
_SUFFIXES: Final = (".py", ".yaml", ".j2", ".typ", ".po")


@functools.cache
def software_sha256(package: Path = _PACKAGE) -> str:
    """SHA-256, hexadecimal, of the list of hashes of the package's files."""
    files = (path for path in package.rglob("*") if path.suffix in _SUFFIXES)
    names = sorted(f"./{path.relative_to(package).as_posix()}" for path in files)
    listed = "".join(f"{digest(package / name)}  {name}\n" for name in names)
    return hashlib.sha256(listed.encode()).hexdigest()
