"""Any bytes give rows that add up, or one clear error; never another exception."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gold_data.errors import GoldError
from gold_data.importers import FORMAT_NAMES, import_file, trips_to_frame

FIXTURES = Path(__file__).with_name("fixtures")
LOGS = sorted(path for path in FIXTURES.iterdir() if path.suffix != ".yaml")
WILD = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
EXAMPLES = [pytest.param(15, id="quick"), pytest.param(60, id="all", marks=pytest.mark.slow)]

CELLS = st.sampled_from(
    [
        *(
            "",
            "SOXL",
            "IBM",
            "/ES",
            "STOCK",
            "STK",
            "CALL",
            "EXECUTION",
            "ORDER",
            "FILL",
            "DATA",
            "Account Trade History",
        ),
        *("BUY", "SELL", "sell_short", "Long", "Short", "TO OPEN", "TO CLOSE", "O", "C;O"),
        *("+100", "-100", "100", "0", "1,200", "1.200", "($2.00)", "20,5", "20.5", "2 %", "1e999", "nan", "9" * 400),
        *("6/9/25 09:31:12", "13/6/2025 10:00:00", "2025-06-09T13:31:12Z", "20250609;093112", "11/02/2025 01:30:00"),
        *("06-09-2025", "06:41:16", "\ud83d", "\u0660", '"', "\n"),
    ]
)


def check(path: Path, content: bytes, name: str = "auto", mapping: Path | None = None) -> None:
    path.write_bytes(content)
    try:
        file = import_file(path, format=name, mapping=mapping)
    except GoldError as exc:
        assert "\n" not in str(exc) and str(path) in str(exc)  # noqa: PT017, PT018
        return
    assert file.rows_in == file.rows_accounted
    assert file.rows_in > 0
    frame = trips_to_frame(file.trips)
    assert (
        frame.height == len(file.trips) == frame.drop_nulls(["ticker", "entry_time", "exit_time", "entry_price"]).height
    )
    assert "".join([*file.notes, *file.open_positions, *(row.value for row in file.rejected)]).encode() is not None


def get_mapping(log: Path) -> Path | None:
    mapping = log.with_suffix(".yaml")
    return mapping if mapping.exists() else None


@pytest.mark.parametrize("name", [name for name in FORMAT_NAMES if name != "generic"])
@WILD
@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    check(tmp_path / "log", content, name)


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_log_with_some_bytes_changed(tmp_path: Path, log: Path, examples: int) -> None:
    @settings(WILD, max_examples=examples)
    @given(data=st.data())
    def check_changed(data: st.DataObject) -> None:
        content = bytearray(log.read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            start = data.draw(st.integers(0, len(content)))
            content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
        check(tmp_path / "log", bytes(content), mapping=get_mapping(log))

    check_changed()


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("log", [log for log in LOGS if log.suffix == ".csv"], ids=lambda log: log.name)
def test_a_header_with_any_cells_below(tmp_path: Path, log: Path, examples: int) -> None:
    header = find_header(log)
    delimiter = ";" if ";" in header else ","
    width = header.count(delimiter) + 1

    @settings(WILD, max_examples=examples)
    @given(rows=st.lists(st.lists(CELLS, min_size=width - 1, max_size=width + 1), min_size=1, max_size=6))
    def check_cells(rows: list[list[str]]) -> None:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter).writerows(rows)
        content = header + out.getvalue()
        check(tmp_path / "log", content.encode("utf-8", "replace"), mapping=get_mapping(log))

    check_cells()


def find_header(log: Path) -> str:
    words = (
        *("Exec Time", "Market pos.", "TradePrice", "macd_exit_price", "Richtung", "Fill price", "worst_exit_percent"),
        *("E/X", "T. Price", "Filled Time", "LiqType", "Fees & Comm", "Run Date", "Trans Code", "avgPrice", "buyPrice"),
        *("Trade #", "filled_avg_price", "Avg Entry Price", "pricein", "EntryPrice"),
    )
    return next(line for line in log.read_text("utf-8-sig").splitlines(keepends=True) if any(w in line for w in words))


KEYS = ["symbol", "side", "qty", "price", "transaction_time", "activity_type", "id", "filled_qty", "filled_avg_price"]
VALUES = st.one_of(CELLS, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(st.integers(), max_size=2))
RECORD = st.dictionaries(st.sampled_from([*KEYS, "filled_at", "status", "asset_class", "position_intent"]), VALUES)


@WILD
@given(records=st.lists(RECORD, max_size=6), legs=st.lists(RECORD, max_size=2))
def test_any_records(tmp_path: Path, records: list[dict[str, object]], legs: list[object]) -> None:
    for record in records[:1]:
        record["legs"] = legs
    check(tmp_path / "log", json.dumps(records).encode())


@WILD
@given(text=st.one_of(st.text(max_size=100), st.from_regex(r"rows: (executions|round_trips)\ncolumns: \{.{0,60}\}")))
def test_any_mapping(tmp_path: Path, text: str) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(text, encoding="utf-8", errors="replace")
    log = FIXTURES / "generic_fills.csv"
    try:
        import_file(log, mapping=mapping)
    except GoldError as exc:
        assert "\n" not in str(exc)  # noqa: PT017
