"""A disk that is full, or may not be written to, stops a run with a message; once there is room, it goes on."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

Cli = Callable[..., Result]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 6 MB; it takes the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m,huge=never", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill a disk but for some bytes; give the file that does."""
    status = os.statvfs(disk)
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(b"\0" * (status.f_bavail * status.f_frsize - leave))
    return ballast


def check_same(folder: Path, whole: Path) -> None:
    for name in ("accepted.parquet", "bars.parquet", "rejected.parquet"):
        assert pl.read_parquet(folder / name).equals(pl.read_parquet(whole / name))
    counts = ("requests", "prompt_tokens", "completion_tokens")
    ledger, other = (pl.read_parquet(place / "ledger.parquet").drop(counts) for place in (folder, whole))
    assert ledger.equals(other)


def measure(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


SHARES = [0.02, *(pytest.param(share, marks=pytest.mark.slow) for share in (0.5, 0.6, 0.68, 0.84, 0.92)), 0.76]


@pytest.mark.parametrize("share", SHARES)
def test_run_on_a_full_disk_stops_with_a_message_and_goes_on(
    cli: Cli, small_disk: Path, run_folder: Path, share: float
) -> None:
    ballast = fill(small_disk, int(share * measure(run_folder)))
    folder, begin = small_disk / "run", ("generate", "offline", "--num", 60, "--seed", 7, "--out")
    result = cli(*begin, folder)
    assert result.exit_code == 1, result.output
    said = ("Make room on the disk", "Is there room on the disk?", "No space left on device")  # the last by the library
    assert any(words in result.stderr for words in said), result.stderr
    assert list(small_disk.glob("run/*.parquet")) == []
    assert ("tradelogs resume" in result.stderr) == folder.exists()
    ballast.unlink()
    again = cli("resume", folder) if folder.exists() else cli(*begin, folder)
    assert again.exit_code == 0, again.output
    check_same(folder, run_folder)


def test_disk_that_stays_full_stops_it_again(cli: Cli, small_disk: Path, run_folder: Path) -> None:
    fill(small_disk, int(0.7 * measure(run_folder)))
    folder = small_disk / "run"
    assert cli("generate", "offline", "--num", 60, "--seed", 7, "--out", folder).exit_code == 1
    result = cli("resume", folder)
    assert result.exit_code == 1
    assert "room on the disk" in result.stderr


def test_folder_that_may_not_be_written_to_is_named_and_nothing_is_started(cli: Cli, small_disk: Path) -> None:
    folder = small_disk / "run"
    assert cli("generate", "offline", "--num", 5, "--out", folder).exit_code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    resumed = cli("resume", folder)
    assert resumed.exit_code == 2
    assert f"{folder} cannot be written to (Read-only file system)" in resumed.stderr
    begun = cli("generate", "offline", "--num", 5, "--out", small_disk / "other")
    assert begun.exit_code == 2
    assert "other cannot be made (Read-only file system)" in begun.stderr
