"""A run's `data_designer.yaml` is Data Designer's own: its commands take it as it stands."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

from offline_model.launch import launch
from offline_model.options import Options
from tests import process

Command = Callable[..., str]


@pytest.fixture
def data_designer(run_folder: Path, tmp_path: Path) -> Command:
    """Give a function that runs Data Designer's command line with the run's providers."""
    home = shutil.copytree(run_folder / "data_designer_home", tmp_path / "home")

    def run(*arguments: str, endpoint: str | None = None) -> str:
        providers = yaml.safe_load((home / "model_providers.yaml").read_text())
        providers["providers"][0]["endpoint"] = endpoint or providers["providers"][0]["endpoint"]
        (home / "model_providers.yaml").write_text(yaml.safe_dump(providers))
        environment = {**os.environ, "DATA_DESIGNER_HOME": str(home), "REHEARSAL_API_KEY": "any"}
        done = process.run(process.DATA_DESIGNER, *arguments, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_validate_passes_it(data_designer: Command, run_folder: Path) -> None:
    assert "Configuration is valid" in data_designer("validate", str(run_folder / "data_designer.yaml"))


def test_it_begins_with_what_its_rows_are(run_folder: Path) -> None:
    comment = [line for line in (run_folder / "data_designer.yaml").read_text().splitlines() if line.startswith("#")]
    said = " ".join(line.removeprefix("#").strip() for line in comment)
    assert "What its `create` makes are drafts" in said
    assert "none is refined, accepted or rejected. For accepted rows: tradelogs generate" in said


@pytest.mark.slow
def test_preview_and_create_run_it(data_designer: Command, run_folder: Path, tmp_path: Path) -> None:
    config = str(run_folder / "data_designer.yaml")
    with launch(Options(seed=7, malformed_rate=0.0)) as endpoint:
        assert "trade_checks" in data_designer("preview", config, "-n", "2", "--non-interactive", endpoint=endpoint)
        data_designer("create", config, "-n", "5", endpoint=endpoint)
    (batch,) = tmp_path.glob("artifacts/*/parquet-files/*.parquet")
    rows = pl.read_parquet(batch)
    assert rows.height == 5
    assert {"session_date", "controls", "gold_examples", "trade", "trade_checks", "judge"} <= set(rows.columns)
