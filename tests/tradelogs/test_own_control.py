"""A control of one's own, as docs/adding-a-control.md tells it: one file, named in a profile, and no other edit."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
COMMAND = "from tradelogs.cli import main; main()"
REGIMES = {"trending", "range-bound", "news-driven"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with the control of the page in the place it names, and a profile that names it."""
    root = tmp_path_factory.mktemp("project")
    for packages in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"][
        "include"
    ]:
        shutil.copytree(ROOT / packages.removesuffix("*"), root / packages.removesuffix("*"))
    page = (ROOT / "docs/adding-a-control.md").read_text()
    found = re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert found is not None
    (root / "columns/controls/market_regime.yaml").write_text(found[1])
    profile = (root / "designer_configs/offline.yaml").read_text()
    mine = profile.replace("  - session_period\n", "  - session_period\n  - market_regime\n")
    (root / "designer_configs/my_profile.yaml").write_text(mine)
    return root


def run(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-c", COMMAND, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(project: Path) -> Path:
    run(project, "generate", "my_profile", "--num", "20", "--out", "run")
    return project / "run"


def test_project_with_the_control_is_valid(project: Path) -> None:
    assert "valid" in run(project, "validate")


def test_control_is_drawn(folder: Path) -> None:
    drawn = pl.read_parquet(folder / "rounds/001/plan.parquet")["market_regime"]
    assert len(set(drawn)) > 1
    assert set(drawn) <= REGIMES


def test_control_is_said_in_the_prompt(folder: Path) -> None:
    plan = pl.read_parquet(folder / "rounds/001/plan.parquet")
    for said, regime in plan.select("controls", "market_regime").rows():
        assert said.splitlines()[-1] == f"- The market of that day is {regime}."


def test_control_is_carried_as_a_column(folder: Path) -> None:
    drawn = pl.concat(
        [pl.read_parquet(path, columns=["row_id", "market_regime"]) for path in folder.glob("rounds/*/plan.parquet")]
    )
    accepted = pl.read_parquet(folder / "accepted.parquet", columns=["row_id", "market_regime"])
    assert accepted.height == 20
    assert accepted.join(drawn, on=["row_id", "market_regime"]).height == 20
    assert "market_regime" in (folder / "accepted.csv").read_text().splitlines()[0]
