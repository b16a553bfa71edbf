"""Check that a wheel holds the three packages, whole, typed, and nothing else."""

import subprocess
import sys
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"core": "interstore", "backends": "interstore_backends", "plugins": "interstore_plugins"}


def committed() -> set[str]:
    folders = [f"{room}/{package}" for room, package in ROOMS.items()]
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {str(PurePosixPath(*PurePosixPath(file).parts[1:])) for file in files.splitlines()}


def main(wheel: str) -> None:
    with ZipFile(wheel) as archive:
        files = set(archive.namelist())
    metadata = {file for file in files if file.split("/")[0].endswith(".dist-info")}
    packaged = files - metadata
    expected = committed()
    assert packaged == expected, f"differs from the checkout in {sorted(packaged ^ expected)}"
    assert {file.split("/")[0] for file in packaged} == set(ROOMS.values())
    for package in ROOMS.values():
        assert f"{package}/py.typed" in packaged, f"{package} is not marked as typed"
    assert any(file.endswith("licenses/LICENSE") for file in metadata), "the licence is missing"
    print(f"{Path(wheel).name}: {len(packaged)} files in {', '.join(sorted(ROOMS.values()))}")


if __name__ == "__main__":
    main(sys.argv[1])
