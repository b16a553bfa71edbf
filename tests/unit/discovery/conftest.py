from pathlib import Path

import pytest

from tests.unit.discovery.packages import Packages, installer


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    return installer(tmp_path, monkeypatch)
