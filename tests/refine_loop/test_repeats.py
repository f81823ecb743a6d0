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

from jobs.library.shim import draw_in_order

Cli = Callable[..., Result]


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
