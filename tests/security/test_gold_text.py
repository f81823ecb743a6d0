"""Text of the gold is data: no template, spreadsheet or terminal runs it, and no reader of JSON changes it."""

import csv
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from designer_configs.compile.profile import load_profile
from files.csv_cells import neutralise_cells, restore_cell, restore_cells
from files.shown_text import clean_text
from gold_data.errors import GoldError
from gold_data.trades.ingest import read_gold
from refine_loop.record.outputs import export_rows

SAMPLE = Path(__file__).parents[2] / "gold_data/sample/trades.csv"
HOSTILE = (
    "{{ 7*7 }}",
    "{% for %}",
    "{# note #}",
    "<b>SIM</b>",
    "</script>",
    "=1+1",
    "=cmd|'/C c'!A0",
    "@SUM(1)",
    "+1",
    "-1",
    "null",
    "NaN",
    "1e5",
    "true",
    "0700",
    'A"B',
    "A'B",
    "```",
    "A, B",
    "\u05d0\u05d1",
    "[/red]",
    "'=1",
)
Cli = Callable[..., Result]


def write_gold_table(path: Path, tickers: tuple[str, ...]) -> Path:
    """Write the sample with other tickers, in turn."""
    frame = pl.read_csv(SAMPLE, infer_schema=False)
    names = [tickers[row % len(tickers)] for row in range(frame.height)]
    neutralise_cells(frame.with_columns(pl.Series("ticker", names))).write_csv(path)
    return path


@pytest.fixture(scope="module")
def hostile_run(cli: Cli, write_profile: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the offline model on gold of hostile tickers, and keep the prompts."""
    place = tmp_path_factory.mktemp("hostile")
    trades = write_gold_table(place / "gold.csv", HOSTILE)
    profile = write_profile(place / "hostile.yaml", {"trace": "full"})
    result = cli("generate", profile, "--num", 200, "--gold-trades", trades, "--out", place / "run")
    assert result.exit_code == 0, result.output
    return place / "run"


def test_every_prompt_shows_the_ticker_as_it_is(hostile_run: Path) -> None:
    plan = pl.concat([pl.read_parquet(path) for path in hostile_run.glob("rounds/*/plan.parquet")], how="diagonal")
    wanted = {row["row_id"]: row["ticker"] for row in plan.to_dicts()}
    assert set(wanted.values()) == set(HOSTILE)
    prompts: list[tuple[str, str]] = []
    for path in hostile_run.glob("trace/*_generate.jsonl.gz"):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            entry = json.loads(line)
            content = entry["messages"][-1]["content"] if entry["number"] == 0 else []
            prompts += [(wanted[entry["row_id"]], part["text"]) for part in content]
    assert len(prompts) > 2 * len(HOSTILE)
    assert all(f"\n- Its ticker is {ticker}.\n" in prompt for ticker, prompt in prompts)


def test_every_ticker_comes_back_as_text(hostile_run: Path) -> None:
    accepted = pl.read_parquet(hostile_run / "accepted.parquet")
    assert accepted["ticker"].dtype == pl.String
    assert set(accepted["ticker"]) == set(HOSTILE)
    lines = [json.loads(line) for line in (hostile_run / "accepted.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["ticker"] for line in lines] == accepted["ticker"].to_list()


def test_no_cell_of_the_csv_is_a_formula(hostile_run: Path) -> None:
    with (hostile_run / "accepted.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [cell for row in rows for cell in row.values() if not re.fullmatch(r"-?\d+(\.\d+)?", cell)]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n")]
    assert "'=1+1" in {row["ticker"] for row in rows}
    assert all(float(row["worst_exit_percent"]) == float(row["worst_exit_percent"].lstrip("'")) for row in rows)


def test_the_csv_read_as_gold_is_the_same(hostile_run: Path) -> None:
    gold = read_gold(hostile_run / "accepted.csv", None)
    assert gold.rows["ticker"].to_list() == pl.read_parquet(hostile_run / "accepted.parquet")["ticker"].to_list()
    assert gold.rejected.is_empty()


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "\uff1d1", "\uff0b", "\uff0d", "\uff20", "'=1", "''-a"]
)
def test_a_formula_is_neutralised_and_restored(cell: str) -> None:
    frame = pl.DataFrame({"text": [cell, None, "plain", "it's"], "number": [-1.0, 2.0, -3.0, None]})
    written = neutralise_cells(frame)
    assert written["text"].to_list() == [f"'{cell}", None, "plain", "it's"]
    assert written["number"].to_list() == [-1.0, 2.0, -3.0, None]
    assert restore_cell(f"'{cell}") == cell
    assert restore_cells(written).equals(frame)


@pytest.mark.parametrize("cell", ["it's", "'quoted'", "'", "", "A'=1"])
def test_other_apostrophes_stay(cell: str) -> None:
    assert restore_cell(cell) == cell
    assert neutralise_cells(pl.DataFrame({"a": [cell]}))["a"].to_list() == [cell]


@pytest.mark.parametrize(
    ("ticker", "limit"),
    [
        ("A\x07B", "no control characters"),
        ("A\nB", "no control characters"),
        ("A\tB", "no control characters"),
        ("A\x1b[31mB", "no control characters"),
        ("A\u202eB", "no control characters"),
        ("A\u2028B", "no control characters"),
        ("A" * 10_000, "at most 16 characters"),
        ("<script>alert(1)</script>", "at most 16 characters"),
    ],
)
def test_a_ticker_that_is_refused_is_told(tmp_path: Path, ticker: str, limit: str) -> None:
    table = write_gold_table(tmp_path / "gold.csv", ("SIM1", "SIM2", "SIM3", ticker))
    rejected = read_gold(table, None).rejected
    assert rejected.height > 100
    assert rejected["limit"].str.starts_with(limit).all()
    assert all(found.isprintable() and len(found) <= 60 for found in rejected["found"])


def test_a_zero_byte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match="neither Parquet nor CSV"):
        read_gold(write_gold_table(tmp_path / "gold.csv", ("A\x00B",)), None)
    frame = pl.read_csv(SAMPLE, infer_schema=False).with_columns(pl.lit("A\x00B").alias("ticker"))
    frame.write_parquet(tmp_path / "gold.parquet")
    with pytest.raises(GoldError, match="no control characters"):
        read_gold(tmp_path / "gold.parquet", None)


def test_rejected_rows_are_no_formulas(tmp_path: Path, cli: Cli, write_profile: Callable[..., Path]) -> None:
    gold = read_gold(write_gold_table(tmp_path / "gold.csv", ("SIM1", '=HYPERLINK("http://a.example/")')), None)
    assert gold.rejected["found"][0].startswith("=HYPERLINK")
    export = neutralise_cells(gold.rejected).write_csv()
    assert not re.search(r"(^|,)\"?=", export, re.MULTILINE)


def test_parquet_and_jsonl_are_untouched(tmp_path: Path) -> None:
    times = pl.Series([None], dtype=pl.Datetime("us", "America/New_York"))
    frame = pl.DataFrame({"ticker": ["=1"], "entry_time": times, "exit_time": times, "gold_example_ids": [["gold-1"]]})
    frame.write_parquet(tmp_path / "accepted.parquet")
    export_rows(tmp_path / "accepted.parquet", load_profile("offline"))
    assert pl.read_parquet(tmp_path / "accepted.parquet")["ticker"].to_list() == ["=1"]
    assert '"ticker":"=1"' in (tmp_path / "accepted.jsonl").read_text(encoding="utf-8")
    assert (tmp_path / "accepted.csv").read_text(encoding="utf-8").splitlines()[1].startswith("'=1,")


def test_a_terminal_is_sent_no_commands() -> None:
    assert clean_text("a\x1b]0;title\x07\u202eb\n\tc") == "a\\x1b]0;title\\x07\\u202eb\n\tc"
