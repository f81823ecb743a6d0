"""The column mapping of the format generic."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gold_data.errors import GoldError
from gold_data.importers import import_file
from gold_data.importers.generic import load_mapping_schema, read_mapping

FIXTURES = Path(__file__).with_name("fixtures")
TRIP = "ticker: a, trade_type: b, entry_time: c, exit_time: d, entry_price: e, exit_price: f"


def fail(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    with pytest.raises(GoldError) as caught:
        read_mapping(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(load_mapping_schema())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("[", "is not YAML"),
        ("rows: !!python/object:os.system x", "is not YAML"),
        ("a: &a [1]\nb: *a", "a mapping has no aliases"),
        ("[" * 3000, "is not YAML"),
        ("rows: 2025-06-09", "values that JSON has not"),
        ("just text", "is not of type 'object'"),
        ("rows: trades\ncolumns: {" + TRIP + "}", "rows: 'trades' is not one of ['round_trips', 'executions']"),
        ("rows: round_trips\ncolumns: {" + TRIP + "}\nzome: UTC", "'zome' was unexpected"),
        ("rows: round_trips\ncolumns: {ticker: a}", "'exit_price' is a required property"),
        ("rows: round_trips\ncolumns: {" + TRIP + ", side: x}", "columns: 'side' should not be valid"),
        ("rows: executions\ncolumns: {ticker: a, time: b, price: c}", "'quantity' is a required property"),
        ("rows: round_trips\ncolumns: {" + TRIP + "}\nzone: Mars/Base", "the time zone 'Mars/Base' is unknown"),
        ("rows: " + "x" * 70_000, "longer than"),
        ("#\n" * 40_000, "limit: 65536"),
    ],
)
def test_mappings_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    assert message in fail(tmp_path, text)


def test_every_violation_is_told(tmp_path: Path) -> None:
    told = fail(tmp_path, "rows: round_trips\ncolumns: {}\ndecimal_mark: x\ndate_order: y")
    assert all(
        word in told for word in ("'ticker' is a required", "'entry_time'", "decimal_mark: 'x'", "date_order: 'y'")
    )


def test_generic_needs_a_mapping_and_others_need_none() -> None:
    with pytest.raises(GoldError, match="generic needs a mapping"):
        import_file(FIXTURES / "generic_fills.csv", format="generic")
    with pytest.raises(GoldError, match="thinkorswim knows its columns"):
        import_file(FIXTURES / "thinkorswim.csv", format="thinkorswim", mapping=FIXTURES / "generic_fills.yaml")


def test_columns_that_the_file_has_not(tmp_path: Path) -> None:
    log, mapping = FIXTURES / "generic_trips.csv", FIXTURES / "generic_fills.yaml"
    with pytest.raises(GoldError, match="no line is the header that the mapping describes"):
        import_file(log, mapping=mapping)
    with pytest.raises(GoldError, match="Columns it names and no line has: x, y, z"):
        import_file(FIXTURES / "generic_fills.csv", mapping=write_mapping_of_other_columns(tmp_path))


def write_mapping_of_other_columns(folder: Path) -> Path:
    path = folder / "mapping.yaml"
    path.write_text("rows: executions\ncolumns: {ticker: ' TICKER ', time: x, quantity: y, price: z}\n")
    return path


def test_signed_quantities_need_no_side_and_the_order_may_be_named(tmp_path: Path) -> None:
    log, mapping = tmp_path / "log.csv", tmp_path / "mapping.yaml"
    log.write_text("T,S,Q,P\n9/6/2025 10:00,IBM,-5,271\n9/6/2025 10:05,IBM,5,270\n")
    mapping.write_text(
        "rows: executions\ncolumns: {time: T, ticker: S, quantity: Q, price: P}\ndate_order: day_first\n"
    )
    file = import_file(log, mapping=mapping)
    assert [(trip.trade_type, trip.entry_time.month) for trip in file.trips] == [("short", 6)]
