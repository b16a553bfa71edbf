import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.discovery.packages import Packages, installer


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Packages]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTERSTORE_PLUGINS", raising=False)
    yield installer(tmp_path, monkeypatch)
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]
