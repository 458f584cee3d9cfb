"""Order of the suite: the flights first, so that with two workers the other one does everything else meanwhile."""

from __future__ import annotations

import pytest

_LONGEST = "tests/test_survey.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
