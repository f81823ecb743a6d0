"""The whole flow runs with Data Designer's own commands, as they stand."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import yaml

from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.compile.native import compile_profile, write_config
from designer_configs.compile.profile import load_profile
from gold_data.store import GoldFolder, write_gold
from gold_data.trades.ingest import read_gold
from gold_data.trades.schema import CORE_FIELDS
from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.record.provenance import describe_provider
from tests import process

COMMAND = Path(sys.executable).with_name("data-designer")
KEY = "canary-not-to-be-written"
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9"}  # the commands fetch a token encoding, and do without


@dataclass
class Place:
    """A folder as a run leaves it behind, with the provider its commands need."""

    folder: Path
    gold: GoldFolder

    def prepare(self, profile_name: str, endpoint: str | None = None) -> None:
        profile = load_profile(profile_name)
        write_config(compile_profile(profile, self.gold).whole, self.folder / "data_designer.yaml", "The whole flow.")
        provider = describe_provider(profile)
        providers = {"providers": [provider | {"endpoint": endpoint or provider["endpoint"]}]}
        (self.folder / "home").mkdir(exist_ok=True)
        (self.folder / "home/model_providers.yaml").write_text(yaml.safe_dump(providers), encoding="utf-8")

    def run(self, *arguments: str) -> str:
        return self._check(process.run(process.DATA_DESIGNER, *arguments, cwd=self.folder, env=self._environment))

    def run_cold(self, *arguments: str) -> str:
        """Run the command as it is installed: it finds this project's column types while it is itself imported."""
        command = [str(COMMAND), *arguments]
        return self._check(
            subprocess.run(command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False)
        )

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | {"DATA_DESIGNER_HOME": str(self.folder / "home"), "NVIDIA_API_KEY": KEY} | NOWHERE

    def _check(self, done: "subprocess.CompletedProcess[str]") -> str:
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert KEY not in said
        return said


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("run")
    profile = load_profile("offline")
    return Place(
        folder, write_gold(read_gold(profile.gold.files["trades"], None), folder / "gold", profile.gold.holdout)
    )


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with launch(Options(seed=7, malformed_rate=0.0)) as url:
        yield url


QUICK = ("nim_dev", "offline")  # the others differ from these in names and numbers
PROJECT = Project(PROJECT_ROOT)
OF_TRADES = [name for name, path in PROJECT.profiles.items() if PROJECT.load(path).data["dataset"] == "trade_log"]
PROFILES = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in OF_TRADES]


@pytest.mark.parametrize("profile", PROFILES)
def test_validate_passes(place: Place, profile: str) -> None:
    place.prepare(profile)
    assert "Configuration is valid" in place.run("validate", "data_designer.yaml")


def test_preview_shows_every_column_of_a_record(place: Place, endpoint: str) -> None:
    place.prepare("offline", endpoint)
    shown = place.run("preview", "data_designer.yaml", "-n", "2", "--non-interactive")
    for name in ("controls", "gold_examples", "trade_rules", "trade", "trade_checks", "judge"):
        assert name in shown


def test_create_writes_judged_trades(place: Place, endpoint: str) -> None:
    place.prepare("offline", endpoint)
    place.run_cold("create", "data_designer.yaml", "-n", "12", "-o", "artifacts", "--no-tui")
    (file,) = (place.folder / "artifacts/dataset/parquet-files").iterdir()
    rows = pl.read_parquet(file).to_dicts()
    assert len(rows) == 12
    for row in rows:
        assert tuple(row["trade"]) == CORE_FIELDS
        assert row["trade_checks"]["passed"] is (row["trade_checks"]["violations"] == [])
        assert set(row["judge"]) == {"realism", "consistency", "completeness"}
        assert all(1 <= int(criterion["score"]) <= 5 for criterion in row["judge"].values())
        assert set(row["gold_examples__ids"]) <= set(place.gold.train["trade_id"])
