"""Importing a trader's logs: from files to a gold folder, with every row accounted for."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml
from click.testing import CliRunner, Result

from designer_configs.compile.check import check_profile
from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.controls import find_foreign_buckets
from designer_configs.compile.profile import load_profile
from gold_data.bars import Bars
from gold_data.errors import GoldError
from gold_data.importers import LogOptions
from gold_data.store import write_gold
from gold_data.trades.card import draw_histogram, suggest_controls
from gold_data.trades.import_gold import BarsSource, import_gold
from gold_data.trades.ingest import read_gold
from gold_data.trades.schema import GoldTrades
from tradelogs.cli import main

FILES = {"trades.parquet", "bars.parquet", "rejected_rows.csv", "DATA_CARD.md", "split.json"}
HEADER = (
    "ticker,trade_type,entry_time,exit_time,entry_price,exit_price,"
    "entry_volatility_percent,worst_exit_percent,best_exit_percent,trade_percent_change"
)
DAYS = [date(2024, 3, day) for day in (4, 5, 6, 7, 8)]


def write_trade(
    day: date, clock: str = "10:00", price: float = 100.0, stated: str = "0.5,-0.4,0.3,", ticker: str = "A"
) -> str:
    return f"{ticker},buy,{day}T{clock}:00,{day}T{clock}:30,{price},{price},{stated}"


def write_log(folder: Path, *rows: str, name: str = "log.csv") -> Path:
    (folder / name).write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return folder / name


def write_bars(folder: Path, price: float = 100.0) -> Path:
    rows = [
        f"A,{day} {9 + minute // 60:02d}:{minute % 60:02d},{price},{price + 1},{price - 1},{price},5"
        for day in DAYS
        for minute in range(30, 75)
    ]
    (folder / "bars.csv").write_text(
        "\n".join(["ticker,timestamp,open,high,low,close,volume", *rows]), encoding="utf-8"
    )
    return folder / "bars.csv"


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    log = write_log(tmp_path, *(write_trade(day) for day in reversed(DAYS)))
    import_gold([log], tmp_path / "gold", bars=[BarsSource(write_bars(tmp_path))])
    return tmp_path / "gold"


def test_the_folder(gold: Path) -> None:
    assert {file.name for file in gold.iterdir()} == FILES
    trades = GoldTrades.validate(pl.read_parquet(gold / "trades.parquet"))
    assert trades["trade_id"].to_list() == [f"gold-000{number}" for number in range(1, 6)]
    assert trades["session_date"].to_list() == DAYS
    assert trades["entry_volatility_percent"].to_list() == pytest.approx([2.0] * 5)
    assert trades.select("worst_exit_percent", "best_exit_percent").row(0) == pytest.approx((-1.0, 1.0))
    assert Bars.is_valid(pl.read_parquet(gold / "bars.parquet"))
    split = json.loads((gold / "split.json").read_text())
    assert {part: len(days) for part, days in split.items()} == {"train": 3, "embargo": 1, "holdout": 1}
    assert (gold / "rejected_rows.csv").read_text() == "file,line,rule,value\n"


def test_what_was_imported_is_read_as_it_is(gold: Path) -> None:
    again = read_gold(gold / "trades.parquet", gold / "bars.parquet", gold / "split.json")
    assert again.rows.equals(pl.read_parquet(gold / "trades.parquet"))
    assert (again.rejected.height, again.notes) == (0, [])


def test_a_folder_that_no_import_wrote(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match=r"is no gold folder, it has no split\.json"):
        read_gold(tmp_path / "trades.parquet", None, tmp_path / "split.json")


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    unstated = write_trade(DAYS[1], "11:00", ticker="B", stated=",,,")
    spoilt = write_trade(DAYS[0], "10:20", stated="0.5,0.4,0.3,")
    rows = [write_trade(DAYS[0]), write_trade(DAYS[0]), spoilt, unstated, "A,sideways,x,y,1,2,,,,"]
    log = write_log(tmp_path, *rows)
    account = import_gold([log], tmp_path / "gold")
    file = account.files[str(log)]
    assert (file.rows_in, file.rows_used, len(file.duplicates), len(file.rejected)) == (5, 3, 1, 1)
    assert (account.trips.height, account.trades.height) == (3, 1)
    assert set(account.rejected["rule"]) >= {"no_bars", "percent_order"}
    assert account.rejected.filter(rule="no_bars").select("file", "line").row(0) == (str(log), 5)
    assert account.rejected["line"].is_sorted()


def test_a_trip_of_an_earlier_file_counts_once(tmp_path: Path) -> None:
    first = write_log(tmp_path, write_trade(DAYS[0]), write_trade(DAYS[1]), name="march.csv")
    second = write_log(tmp_path, write_trade(DAYS[1]), write_trade(DAYS[2]), name="again.csv")
    account = import_gold([first, second], tmp_path / "gold")
    assert account.trips["fate"].to_list() == ["gold", "gold", "duplicate", "gold"]
    assert account.trades["session_date"].to_list() == DAYS[:3]


def test_bars_of_another_day_are_left_out_and_stated_measures_used(tmp_path: Path) -> None:
    log = write_log(tmp_path, *(write_trade(day) for day in DAYS))
    account = import_gold([log], tmp_path / "gold", bars=[BarsSource(write_bars(tmp_path, price=120.0))])
    assert account.trades["entry_volatility_percent"].to_list() == [0.5] * 5
    assert not (tmp_path / "gold" / "bars.parquet").exists()
    assert account.bars is not None
    assert "bars of A were left out: no trade was made on them" in account.bars.notes[-1]
    assert "5 x `price_not_in_bars`" in (tmp_path / "gold" / "DATA_CARD.md").read_text()


def test_stated_and_measured_are_compared(gold: Path) -> None:
    card = (gold / "DATA_CARD.md").read_text()
    assert "| `entry_volatility_percent` | 5 | 0 | 5 | 1.5000 | 1.5000 | 1.5000 |" in card
    assert "| `worst_exit_percent` | 5 | 0 | 5 | -0.6000 | 0.6000 | 0.6000 |" in card


@pytest.mark.parametrize(
    ("rows", "options", "wrong"),
    [
        ([write_trade(DAYS[0])], {"holdout": 1.5}, "holdout 1.5 is not a share"),
        ([write_trade(DAYS[0])], {"blocks": 3}, "too few for 3 held-out blocks"),
        ([write_trade(DAYS[0])], {"logs": LogOptions(zone="Mars/Base")}, "Mars/Base"),
        ([write_trade(DAYS[0])], {"bars": [BarsSource(Path("nowhere.csv"))]}, "nowhere.csv: there is no such file"),
        ([], {}, "log.csv"),
    ],
)
def test_nothing_is_written_of_what_cannot_be_used(
    tmp_path: Path, rows: list[str], options: dict[str, object], wrong: str
) -> None:
    log = write_log(tmp_path, *rows)
    with pytest.raises(GoldError, match=wrong):
        import_gold([log], tmp_path / "gold", **options)  # type: ignore[arg-type]
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]


def test_a_log_without_bars_says_so_first_and_keeps_what_it_rejected(tmp_path: Path) -> None:
    log = write_log(tmp_path, write_trade(DAYS[0], stated=",,,"), "A,sideways,x,y,1,2,,,,")
    with pytest.raises(GoldError) as caught:
        import_gold([log], tmp_path / "gold")
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("log.csv became a gold trade")
    assert "no platform's log states volatility" in lines[1]
    assert lines[2].strip() == "rejected: 1 x no_bars, 1 x time"
    assert lines[3].strip().startswith("the first: log.csv, line 2, rule no_bars: entry_volatility_percent")
    kept = tmp_path / "gold-rejected_rows.csv"
    assert lines[-1].strip() == f"all rejected rows: {kept}"
    assert kept.read_text().splitlines()[2] == f"{log},3,time,x; limit: a date with a time of day"
    assert not (tmp_path / "gold").exists()


def test_rejections_state_the_limit_and_lines_are_those_of_the_file(tmp_path: Path) -> None:
    again = write_trade(DAYS[0]).replace("0.5,", "0.50,")
    held = write_trade(DAYS[0], "11:00").replace(f"{DAYS[0]}T11:00:30", f"{DAYS[4]}T11:00:30")
    log = write_log(tmp_path, write_trade(DAYS[0]), again, held, write_trade(DAYS[1], "08:00"))
    rejected = dict(import_gold([log], tmp_path / "gold").rejected.select("line", "value").rows())
    assert rejected == {
        3: "the same trade as line 2 of log.csv",
        4: "held 4 days, 2024-03-04 11:00:00 to 2024-03-08 11:00:30; at most to the same time of the next session",
        5: "exit_time 08:00:30; limit: 09:30:00 to 16:00:00 on 2024-03-05",
    }


def test_the_logs_faults_are_told_before_the_bars(tmp_path: Path) -> None:
    log = write_log(tmp_path, "A,sideways,x,y,1,2,,,,")
    with pytest.raises(GoldError, match="rejected: 1 x time"):
        import_gold([log], tmp_path / "gold", bars=[BarsSource(tmp_path / "nowhere.csv")])


def test_nothing_is_changed_in_place(gold: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in gold.iterdir()}
    with pytest.raises(GoldError, match="is there already and not empty"):
        import_gold([tmp_path / "log.csv"], gold)
    with pytest.raises(GoldError, match="is no folder; make that one first"):
        import_gold([tmp_path / "log.csv"], tmp_path / "no" / "gold")
    assert {file.name: file.read_bytes() for file in gold.iterdir()} == before


@pytest.mark.parametrize("later", [True, False])
def test_what_was_held_over_a_split_of_the_bars_spoils_no_later_trade(tmp_path: Path, later: bool) -> None:
    fills = [
        *(
            "20240304;095500,10,100",
            "20240305;095000,5,25",
            "20240305;100000,-5,25",
            "20240305;100500,-10,25",
            "20240305;101000,-30,25",
        ),
        *(("20240306;095000,10,25", "20240306;100000,-10,25") if later else ()),
    ]
    log = tmp_path / "flex.csv"
    log.write_text("\n".join(["Symbol,DateTime,Quantity,TradePrice", *(f"A,{fill}" for fill in fills)]) + "\n")
    bars = write_bars(tmp_path, 25.0)
    bars.write_text(bars.read_text().replace("25.0,26.0,24.0,25.0", "100.0,101.0,99.0,100.0", 45))
    source = [BarsSource(bars)]
    if not later:
        with pytest.raises(
            GoldError, match=r"rejected: 5 x split_inside\n.*10 held over 2024-03-05, as after a split 4"
        ):
            import_gold([log], tmp_path / "new", bars=source)
        return
    account = import_gold([log], tmp_path / "new", bars=source)
    assert account.trades.select("trade_type", "session_date").rows() == [("buy", date(2024, 3, 6))]
    assert account.rejected.select("line", "rule").rows() == [(line, "split_inside") for line in range(2, 7)]


def test_suggested_controls_pass_in_a_profile(gold: Path, tmp_path: Path) -> None:
    card = (gold / "DATA_CARD.md").read_text()
    pasted = yaml.safe_load(card.split("```yaml\n")[1].split("```")[0])
    data = yaml.safe_load((PROJECT_ROOT / "designer_configs" / "offline.yaml").read_text())
    data |= {"controls": [*pasted, "ticker"], "gold": {"folder": str(gold)}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(data))
    assert check_profile(tmp_path / "mine.yaml") == []
    trades = pl.read_parquet(gold / "trades.parquet")
    assert find_foreign_buckets(load_profile(tmp_path / "mine.yaml"), trades) == []


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_suggested_weights_sum_to_one(count: int) -> None:
    text = suggest_controls(pl.Series([0.1 + 0.37 * number % 1 for number in range(count)]))
    params = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])[0]["params"]
    assert sum(params["weights"]) == pytest.approx(1, abs=1e-9)
    assert len(params["weights"]) == len(params["values"])


def test_histograms() -> None:
    assert draw_histogram(pl.Series([1.0, 1.0, 9.0])).splitlines()[0] == f"1 to 2 2 {'#' * 30}"
    assert draw_histogram(pl.Series(["b", "a", "b"])).splitlines() == [f"b 2 {'#' * 30}", f"a 1 {'#' * 15}"]
    days = draw_histogram(pl.Series([DAYS[0], DAYS[0], DAYS[2]])).splitlines()
    assert days == [f"2024-03-04 2 {'#' * 30}", f"2024-03-06 1 {'#' * 15}"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["gold", *map(str, arguments)])


def test_the_commands(tmp_path: Path) -> None:
    log, out = write_log(tmp_path, *(write_trade(day) for day in DAYS)), tmp_path / "out"
    done = run("import", log, "--out", out, "--bars", write_bars(tmp_path), "--embargo", "2")
    assert (done.exit_code, "3 to train on" in done.output, "2 to train on" in done.output) == (0, False, True)
    shown = run("describe", out)
    assert (shown.exit_code, shown.output) == (0, (out / "DATA_CARD.md").read_text())


@pytest.mark.parametrize(
    "arguments",
    [
        ["describe", "nowhere"],
        ["import", "nowhere.csv", "--out", "out"],
        ["import", "nowhere.csv", "--out", "out", "--bars-zone", "UTC"],
        ["import", "nowhere.csv", "--out", "out", "--bars", "b", "--bars-date", "yesterday"],
        ["import", "nowhere.csv"],
        ["import", "--out", "out"],
    ],
)
def test_bad_input_is_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_a_gold_folder_of_a_run_keeps_to_the_split(gold: Path, tmp_path: Path) -> None:
    read = read_gold(gold / "trades.parquet", gold / "bars.parquet", gold / "split.json")
    stored = write_gold(read, tmp_path / "run", holdout=0.0)
    assert stored.train["session_date"].to_list() == DAYS[:3]
    assert stored.holdout["session_date"].to_list() == DAYS[4:]
    assert stored.bars is not None
    assert stored.bars["timestamp"].dt.date().max() == DAYS[2]
