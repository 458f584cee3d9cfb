"""Order of the suite and where its runs keep their keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# the same examples in every run, and no time limit: how fast a machine is decides no test
settings.register_profile("hullscan", deadline=None, derandomize=True)
settings.load_profile("hullscan")

_LONGEST = "tests/test_survey.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The flights first, so that with two workers the other one does everything else meanwhile."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.fixture(scope="session", autouse=True)
def _own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test touches the signing key of whoever runs it; sub-processes inherit this."""
    config: Path = tmp_path_factory.mktemp("config")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "APPDATA"):
            patch.setenv(name, str(config))
        yield
