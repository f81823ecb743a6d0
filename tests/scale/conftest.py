"""What the tests of scaling share: profiles, and runs on a cluster of two workers on this machine."""

import gc
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from designer_configs.compile.profile import Profile, load_profile
from refine_loop.record.outputs import Outcome
from tests.conftest import change_profile

TWO_WORKERS = {"ray": {"address": "local", "workers": 2, "part_rows": 20}}
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: the extra `ray`")


def load_changed(path: Path, changes: Mapping[str, Any]) -> Profile:
    """Load the profile `offline` with other values."""
    return load_profile(change_profile(path, changes))


def run_quietly(run: Callable[[], Outcome]) -> Outcome:
    """Run; Data Designer leaves its connections to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return run()
        finally:
            gc.collect()


def check_same_run(folder: Path, other: Path, counts: tuple[str, ...] = ()) -> None:
    """Check that two runs made the same of the same rows; `counts` are what one of them may have more of."""
    ledger, local = (pl.read_parquet(place / "ledger.parquet").drop(counts) for place in (folder, other))
    assert ledger.equals(local)
    assert ledger["row_id"].is_unique().all()
    for name in ("accepted", "bars", "rejected"):
        assert pl.read_parquet(folder / f"{name}.parquet").equals(pl.read_parquet(other / f"{name}.parquet"))
