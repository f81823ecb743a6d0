"""A key that the service says again reaches no file, no row, no message, and is not sent to it once more."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from designer_configs.compile.profile import load_profile
from jobs.errors import BackendError

from .conftest import PROVIDER, Launched, Sender

TASK_WITHOUT_EXAMPLES = "# Task: write one new trade\n\n{{ variation }}"
KEY = "canary/7f3a9d+not=to-be-written-anywhere"


@pytest.fixture
def telling(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_profile: Callable[..., Path]
) -> Sender:
    """Give a sender whose service is sent a key."""
    monkeypatch.setenv("SERVICE_KEY", KEY)
    backend = {"microservices": {"api_key_env": "SERVICE_KEY"}}
    changes = {"provider": {"name": PROVIDER}, "backend": backend, "run.patience_minutes": 0.03}
    return replace(sender, profile=load_profile(write_profile(tmp_path / "key.yaml", changes)))


def find_key(folder: Path, key: str = KEY) -> list[str]:
    """List the files that hold the key, Parquet read as rows."""

    def read(path: Path) -> bytes:
        rows = repr(pl.read_parquet(path).to_dicts()).encode() if path.suffix == ".parquet" else b""
        return path.read_bytes() + rows

    return [str(path) for path in folder.rglob("*") if path.is_file() and key.encode() in read(path)]


def test_a_key_in_a_row_is_masked_before_anything_is_kept(telling: Sender, service: Launched) -> None:
    service.write_script(echo=0)
    rows = telling.send().rows
    assert "[SERVICE_KEY]" in repr(rows)
    assert KEY not in repr(rows)
    assert find_key(telling.folder / "service") == []


def test_a_key_in_a_log_line_is_masked(telling: Sender, service: Launched) -> None:
    service.write_script(echo=0)
    telling.config["columns"][0]["prompt"] = TASK_WITHOUT_EXAMPLES
    lost = telling.send().lost
    assert "SERVICE_KEY" in lost[0].message
    assert KEY[:8] not in repr(lost)
    assert find_key(telling.folder / "service") == []


def test_a_key_in_a_log_line_that_is_cut_is_masked(telling: Sender, service: Launched) -> None:
    service.write_script(echo=480)
    telling.config["columns"][0]["prompt"] = TASK_WITHOUT_EXAMPLES
    with pytest.raises(BackendError, match=r"the last line of its log that complains: x{480}.SERVICE_KEY") as failed:
        telling.send()
    assert KEY[:8] not in str(failed.value)


@pytest.mark.parametrize("before", [0, *range(440, 500, 15)])  # the last are those that a message is cut near to
@pytest.mark.parametrize("script", [{"job_error": "no such model"}, {"refuse": 400}])
def test_a_key_in_an_error_is_masked(
    telling: Sender, service: Launched, script: dict[str, object], before: int
) -> None:
    service.write_script(echo=before, **script)
    with pytest.raises(BackendError, match=r"SERVICE_KEY|xxx") as failed:
        telling.send()
    assert KEY[:8] not in str(failed.value)
    assert find_key(telling.folder / "service") == []
