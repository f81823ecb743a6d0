"""Nothing downstream can draw a held-out or embargoed trade, or a bar of its session: these tests try."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from columns.types.configs import MatchRule
from columns.types.gold_examples import GoldSampler
from gold_data.folder import BARS, HOLDOUT
from gold_data.store import GoldFolder, write_gold
from gold_data.trades.import_gold import BarsSource, import_gold
from gold_data.trades.ingest import read_gold
from indicators.price_path.build import build_price_paths

DAYS = [date(2024, 3, day) for day in (4, 5, 6, 7, 8)]
SEEN, UNSEEN = 100.0, 77.7  # the price of train sessions; that of the embargoed and the held-out one
MARK = "77.7"


def write_inputs(folder: Path) -> tuple[Path, Path]:
    log, bars = ["ticker,trade_type,entry_time,exit_time,entry_price,exit_price"], []
    for day in DAYS:
        price = SEEN if day < DAYS[3] else UNSEEN
        opens = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
        for minute in range(390):
            cents = price + minute % 7 / 100
            stamp = (opens + timedelta(minutes=minute)).isoformat()
            bars.append(f"A,{stamp},{cents},{cents + 0.05},{cents - 0.05},{cents},{100 + minute}")
        for minute in range(30, 330, 30):
            times = [(opens + timedelta(minutes=minute, seconds=90 * part)).isoformat() for part in (0, 1)]
            log.append(f"A,{('buy', 'short')[minute // 30 % 2]},{times[0]},{times[1]},{price},{price + 0.02}")
    (folder / "log.csv").write_text("\n".join(log), encoding="utf-8")
    (folder / "bars.csv").write_text(
        "\n".join(["ticker,timestamp,open,high,low,close,volume", *bars]), encoding="utf-8"
    )
    return folder / "log.csv", folder / "bars.csv"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leaks")
    log, bars = write_inputs(folder)
    account = import_gold([log], folder / "gold", bars=[BarsSource(bars)])
    assert account.trades.height == 50
    return folder / "gold"


@pytest.fixture(scope="module")
def stored(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> GoldFolder:
    gold = read_gold(imported / "trades.parquet", imported / "bars.parquet", imported / "split.json")
    return write_gold(gold, tmp_path_factory.mktemp("run") / "gold", holdout=0.2)


def test_the_embargo_is_in_neither_part(stored: GoldFolder) -> None:
    assert stored.train["session_date"].unique().sort().to_list() == DAYS[:3]
    assert stored.holdout["session_date"].unique().to_list() == DAYS[4:]
    assert stored.facts["price_ranges"]["A"][0] > UNSEEN
    assert stored.bars is not None
    assert stored.bars["low"].min() > UNSEEN + 1  # type: ignore[operator]


def test_no_prompt_can_show_one(stored: GoldFolder) -> None:
    rule = MatchRule(column="wanted", field="entry_price", tolerance=0.01, widest=50.0)
    sampler = GoldSampler(stored.train, [rule], 3)
    drawn = {place for number in range(200) for place in sampler.draw({"wanted": UNSEEN}, f"{number}")}
    assert set(stored.train["entry_price"].gather(sorted(drawn))) == {SEEN}


def test_no_price_path_can_follow_one(stored: GoldFolder) -> None:
    """A row that names held-out seeds gets the fallback shape: there is no such donor."""
    rows = stored.holdout.with_columns(
        row_id=pl.col("trade_id"), gold_example_ids=pl.concat_list(pl.col("trade_id"), pl.col("trade_id"))
    )
    paths = build_price_paths(rows, stored.train, stored.bars, seed=1)
    assert sorted(paths.fallback_row_ids) == sorted(rows["row_id"])


def test_a_whole_run_leaves_no_trace_of_one(imported: Path, tmp_path: Path, cli: Callable[..., Result]) -> None:
    run = tmp_path / "run"
    done = cli("generate", "offline", "--gold", imported, "--num", 12, "--out", run)
    assert done.exit_code == 0, done.output
    held_out = set(pl.read_parquet(run / "gold" / HOLDOUT)["trade_id"])
    shown = pl.read_parquet(run / "ledger.parquet")["gold_example_ids"].explode()
    assert len(shown) > 0
    assert not held_out & set(shown)
    assert pl.read_parquet(run / BARS)["low"].min() > UNSEEN + 1  # type: ignore[operator]
    texts = [file for file in run.rglob("*") if file.suffix in (".json", ".jsonl", ".csv", ".yaml")]
    assert [file.name for file in texts if MARK in file.read_text(encoding="utf-8")] == []
    for file in run.glob("rounds/**/*.parquet"):
        assert MARK not in str(pl.read_parquet(file).to_dicts())
