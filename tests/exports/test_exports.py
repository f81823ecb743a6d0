"""Exports of one small run: lines that a trainer reads, a folder that `datasets` loads, fills that backtesters take."""

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import Result

from designer_configs.compile.profile import load_profile
from exports.errors import ExportError
from exports.export import export_run, write_export
from exports.fills import UNIT_SIZE, list_fills
from exports.finished_run import read_finished_run
from exports.tracked import hash_parts

Cli = Callable[..., Result]


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_instruction_has_every_accepted_row_as_it_was_written(run_folder: Path, tmp_path: Path) -> None:
    exported = export_run(run_folder, "instruction", tmp_path / "lines.jsonl")
    ledger = pl.read_parquet(run_folder / "ledger.parquet").filter(pl.col("status") == "accepted")
    lines = read_lines(exported.path)
    assert exported.rows == len(lines) == ledger.height
    assert [json.loads(line["output"]) for line in lines] == [json.loads(text) for text in ledger["generated_row"]]
    assert all(line["input"].startswith("Session: 20") for line in lines)


def test_export_that_ends_a_run_has_the_profile_as_it_was(run_folder: Path, tmp_path: Path) -> None:
    profile = load_profile(run_folder / "profile.yaml")
    broken = Path(shutil.copytree(run_folder, tmp_path / "run", ignore=shutil.ignore_patterns("gold", "artifacts")))
    (broken / "profile.yaml").write_text("dataset: edited_meanwhile\n")
    with pytest.raises(ExportError):
        export_run(broken, "chat")
    assert write_export(read_finished_run(broken, profile), "chat").rows == 60


def test_preference_pairs_are_first_drafts_and_what_was_accepted(run_folder: Path, tmp_path: Path) -> None:
    lines = read_lines(export_run(run_folder, "preference", tmp_path / "pairs.jsonl").path)
    ledger = pl.read_parquet(run_folder / "ledger.parquet")
    mended = ledger.filter(pl.col("status") == "accepted", pl.col("refine_passes") > 0)
    assert 0 < len(lines) <= mended.height
    assert {line["chosen"] for line in lines} <= set(mended["generated_row"])
    assert all(line["chosen"] != line["rejected"] for line in lines)


def test_folder_for_hugging_face_has_the_rows_and_a_card_that_says_what_they_are(
    run_folder: Path, tmp_path: Path
) -> None:
    folder = export_run(run_folder, "hf", tmp_path / "hf").path
    card = (folder / "README.md").read_text(encoding="utf-8")
    accepted = pl.read_parquet(run_folder / "accepted.parquet")
    parts = {path.name.partition("-")[0]: pl.read_parquet(path) for path in folder.glob("data/*.parquet")}
    assert {*parts} == {"train", "validation", "test"}
    days = [parts[name]["session_date"].to_list() for name in ("train", "validation", "test")]
    assert all(max(early) < min(late) for early, late in pairwise(days))
    assert pl.concat(parts.values()).sort("row_id").equals(accepted.sort("row_id"))  # the profile has no embargo
    assert "What it must not be used for" in card
    assert "60 accepted" in card
    (config,) = yaml.safe_load(card.split("---\n")[1])["configs"]
    digest = hash_parts(*((folder / file["path"]).read_bytes() for file in config["data_files"]))
    assert config["description"] == f"sha256 {digest}"  # else `load_dataset` takes one run's rows for another's
    assert "| `exit_price` | Float64 | dollars |" in card


def test_datasets_loads_the_folder_and_not_another_of_its_name(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="the library `datasets` is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    other = Path(shutil.copytree(run_folder, tmp_path / "run", ignore=shutil.ignore_patterns("gold", "artifacts")))
    rows = pl.read_parquet(run_folder / "accepted.parquet")
    rows.with_columns(pl.col("entry_price") + 1).write_parquet(other / "accepted.parquet")
    for place, run in (("a", run_folder), ("b", other)):
        folder = export_run(run, "hf", tmp_path / place / "hf").path
        loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
        assert {*loaded} == {"train", "validation", "test"}
        given = pl.concat([pl.DataFrame(pl.from_arrow(part.data.table)) for part in loaded.values()])
        assert given.sort("row_id").equals(pl.read_parquet(run / "accepted.parquet").sort("row_id"))
        assert given.schema == rows.schema  # zones of times, too


def test_fills_are_two_a_trade_and_end_flat() -> None:
    times = {"entry_time": ["2024-10-01 10:00"], "exit_time": ["2024-10-01 10:05"]}
    trade = pl.DataFrame(
        {"row_id": ["a"], "ticker": ["SPY"], "trade_type": ["short"], "entry_price": [10.0], "exit_price": [9.0]}
        | times
    ).with_columns(pl.col("entry_time", "exit_time").str.to_datetime(time_zone="America/New_York"))
    fills = list_fills(trade)
    assert fills.select("side", "price", "signed_size").rows() == [("sell", 10.0, -1.0), ("buy", 9.0, 1.0)]
    assert fills["time"][0] == "2024-10-01T14:00:00.000000+00:00"
    assert "multiplier" not in list_fills(trade, {"SPY": 1.0}).columns
    assert list_fills(trade, {"SPY": 50.0})["multiplier"].to_list() == [50.0, 50.0]


def test_fills_say_in_their_header_that_sizes_are_one(run_folder: Path, tmp_path: Path) -> None:
    exported = export_run(run_folder, "fills", tmp_path / "fills.csv")
    assert exported.path.read_text(encoding="utf-8").startswith(f"# {UNIT_SIZE}\ntime,ticker,side,size,price")
    assert pl.read_csv(exported.path, comment_prefix="#")["signed_size"].sum() == 0


def test_vectorbt_takes_the_fills(run_folder: Path, tmp_path: Path) -> None:
    vectorbt = pytest.importorskip("vectorbt", reason="the library `vectorbt` is not installed")
    fills = pl.read_csv(export_run(run_folder, "fills", tmp_path / "fills.csv").path, comment_prefix="#").to_pandas()
    book = vectorbt.Portfolio.from_orders(
        fills["price"], size=fills["signed_size"], price=fills["price"], init_cash=1e6
    )
    assert book.orders.count() == len(fills)


def test_a_format_that_is_not_there_is_refused_with_those_that_are(run_folder: Path) -> None:
    with pytest.raises(ExportError, match="trade_log has no format chart; did you mean chat"):
        export_run(run_folder, "chart")


def test_a_folder_that_holds_no_run_is_refused(cli: Cli, tmp_path: Path) -> None:
    result = cli("export", tmp_path, "--to", "chat")
    assert result.exit_code == 2
    assert "is no finished run: profile.yaml is missing" in result.output


def test_a_run_is_read_once(run_folder: Path) -> None:
    run = read_finished_run(run_folder)
    assert run.accepted is run.accepted
    assert set(run.accepted["row_id"]) <= set(run.plans["row_id"])
