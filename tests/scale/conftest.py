"""What the tests of scaling share: profiles, and runs on a cluster of two workers on this machine."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from designer_configs.profile import Profile, load_profile
from tests.conftest import change_profile

TWO_WORKERS = {"ray": {"address": "local", "workers": 2, "part_rows": 20}}
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: the extra `ray`")


def load_changed(path: Path, changes: Mapping[str, Any]) -> Profile:
    """Load the profile `offline` with other values."""
    return load_profile(change_profile(path, changes))


def check_same_run(folder: Path, other: Path, counts: tuple[str, ...] = ()) -> None:
    """Check that two runs made the same of the same rows; `counts` are what one of them may have more of."""
    ledger, local = (pl.read_parquet(place / "ledger.parquet").drop(counts) for place in (folder, other))
    assert ledger.equals(local)
    assert ledger["row_id"].is_unique().all()
    for name in ("accepted", "bars", "rejected"):
        assert pl.read_parquet(folder / f"{name}.parquet").equals(pl.read_parquet(other / f"{name}.parquet"))
