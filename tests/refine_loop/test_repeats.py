"""One seed, one result: in another process, from another folder, from another endpoint of the same seed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result
from data_designer.engine.sampling_gen.schema import Dag

from designer_configs.compile.profile import Profile, load_profile
from jobs.library.shim import draw_in_order
from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.booking import Candidate
from refine_loop.preview import Audience, preview_candidates

Cli = Callable[..., Result]
FEW_BARS = ("tickers=[SIM1]", "end_date='2024-10-11'", "timeframes=[1m, 5m]")


@pytest.fixture(scope="module")
def same_seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the shipped profile as a person does, where sets of names have another order than in this process."""
    place = tmp_path_factory.mktemp("same-seed")
    command = [str(Path(sys.executable).with_name("tradelogs")), "generate", "offline", "--num", "60", "--seed", "7"]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = (place / "runs").iterdir()
    return folder


def test_run_without_a_name_is_named_by_profile_and_time(same_seed: Path) -> None:
    name, _, moment = same_seed.name.partition("-")
    assert name == "offline"
    assert len(moment) == len("20260102T030405Z")


def test_command_line_is_kept_as_it_was_given(same_seed: Path) -> None:
    provenance = json.loads((same_seed / "provenance.json").read_text())
    assert provenance["command_line"] == "tradelogs generate offline --num 60 --seed 7"


def test_one_seed_gives_the_same_accepted_rows(same_seed: Path, run_folder: Path) -> None:
    one, other = (pl.read_parquet(folder / "accepted.parquet") for folder in (same_seed, run_folder))
    assert one.equals(other)
    assert (same_seed / "accepted.csv").read_bytes() == (run_folder / "accepted.csv").read_bytes()


def test_one_seed_gives_the_same_ledger_and_bars(same_seed: Path, run_folder: Path) -> None:
    for file in ("ledger.parquet", "bars.parquet", "rejected.parquet"):
        assert pl.read_parquet(same_seed / file).equals(pl.read_parquet(run_folder / file))


def test_another_seed_gives_other_rows(cli: Cli, tmp_path: Path, run_folder: Path) -> None:
    assert cli("generate", "offline", "--num", 10, "--seed", 8, "--out", tmp_path / "run").exit_code == 0
    first = pl.read_parquet(run_folder / "ledger.parquet")
    other = pl.read_parquet(tmp_path / "run/ledger.parquet")
    assert set(other["row_id"]).isdisjoint(first["row_id"])
    assert set(other["generated_row"].drop_nulls()).isdisjoint(first["generated_row"].drop_nulls())


def test_samplers_are_drawn_in_the_order_of_their_names() -> None:
    names = {"variation", "session_date", "ticker", "trade_type", "target_volatility", "session_period"}
    with draw_in_order():
        assert list(Dag(nodes=names, edges={("ticker", "trade_type")}).to_networkx().nodes) == sorted(names)


def preview(profile: Profile, endpoint: str) -> list[Candidate]:
    """Preview four candidates; they come in the order in which they are finished."""
    shown: list[Candidate] = []
    preview_candidates(profile, 4, endpoint, Audience(lambda _: None, lambda *_: None, shown.append), verbose=False)
    return sorted(shown, key=lambda candidate: str(candidate["row_id"]))


@pytest.mark.parametrize(("profile", "changes"), [("advisor_offline", ()), ("vpa_offline", FEW_BARS)])
def test_one_seed_gives_the_same_rows_of_other_datasets(profile: str, changes: tuple[str, ...]) -> None:
    loaded = load_profile(profile, {"sets": changes})
    with launch(Options(seed=7)) as endpoint:
        once, again = (preview(loaded, endpoint) for _ in range(2))
    assert len(once) == 4
    assert once == again
    assert len({row["generated_row"] for row in once}) > 1
