"""Files that cannot be imported: one clear sentence, and nothing else."""

import os
import tracemalloc
from pathlib import Path

import pytest

from gold_data.errors import GoldError
from gold_data.importers import FORMATS, detect_format, import_file

FIXTURES = Path(__file__).with_name("fixtures")
NINJA = (FIXTURES / "ninjatrader_us.csv").read_text()


def fail(path: Path, **options: str) -> str:
    with pytest.raises(GoldError) as caught:
        import_file(path, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n \n", "no line is the header of a known format"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "a binary file"),
        (b"PK\x03\x04\x14\0", "a spreadsheet or an archive; save the sheet as CSV"),
        (b"PAR1\x15\x04", "Parquet; give the platform's own"),
        (b"\xff\xfe\x00\xd8\x00", "marked as text in UTF-16 and is none"),
        (b"<?xml version='1.0'?><FlexQueryResponse/>", "it is XML. Of Interactive Brokers export the Flex Query"),
        (b"<html><td>Closed Transactions:</td></html>", "a statement of MetaTrader 4, whose HTML is not read"),
        (b"<!DOCTYPE html><html></html>", "no line is the header of a known format"),
        (b"Instrument,Market pos.\nM\x81nchen,Long\n", "line 2 is not text in UTF-8"),
        (b'"' + b"a,b\n" * 40_000, "is not CSV"),
        (b"[1, 2", "begins as JSON does but cannot be read"),
        (b"[" * 100_000, "begins as JSON does but cannot be read"),
        (b'{"orders": []}', "is no list of objects"),
        (b"[1, 2]", "is no list of objects"),
        (b'[{"a": 1}]', "no object is an activity of Alpaca"),
        (b"[]", "holds no rows"),
    ],
)
def test_content_nobody_can_read(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    told = fail(path)
    assert message in told
    assert str(path) in told


def test_an_open_quotation_mark_swallows_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(NINJA.replace("3,ES 06-25", '3,"ES 06-25'))
    assert "line 4 is not CSV" in fail(path)
    path.write_text(NINJA.replace("5,SOXL,Sim101", '5,SOXL,"Sim101'))
    assert "line 7 is not CSV (unexpected end of data)" in fail(path)


def test_quoted_cells_between_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    text = (FIXTURES / "ninjatrader_day_first.csv").read_text()
    path.write_text("".join('"' + line.replace(";", '";"') + '"\n' for line in text.splitlines()))
    assert import_file(path).trips == import_file(FIXTURES / "ninjatrader_day_first.csv").trips


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "there is no such file" in fail(tmp_path / "none.csv")
    assert "is no ordinary file" in fail(tmp_path)
    assert "is no ordinary file" in fail(tmp_path / "pipe")


def test_a_line_of_two_gigabytes_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    tracemalloc.start()
    assert "has 2048 MiB; limit: 32 MiB" in fail(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_line_over_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(NINJA.encode() + b"x" * (3 << 20))
    assert "line 8 is longer than 1 MiB" in fail(path)


def test_an_unknown_header_names_the_formats_and_the_closest(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("Instrument,Market pos.,Qty,Entry price,Exit,Entry time\nIBM,Long,1,2,3,4\n")
    told = fail(path)
    assert all(name in told for name in FORMATS)
    assert "The closest is ninjatrader: 5 of its 7 columns are there, missing: exit price, exit time" in told
    with pytest.raises(GoldError, match="The closest is ninjatrader"):
        detect_format(path)


def test_a_format_that_does_not_fit() -> None:
    assert "missing: exec time" in fail(FIXTURES / "flex_plain.csv", format="thinkorswim")
    assert "the format 'tos' is unknown; choose one of auto, thinkorswim" in fail(FIXTURES / "x.csv", format="tos")


def test_a_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(NINJA.splitlines()[0] + "\n\n")
    assert "NinjaTrader 8's grid of trades, but it holds no rows" in fail(path)


def test_a_column_named_twice(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(NINJA.replace("Trade number", "QTY"))
    assert "line 1 names the column 'qty' twice" in fail(path)


def test_mixed_date_orders(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        NINJA.replace("6/10/2025 10:00:00", "13/6/2025 10:00:00").replace("6/10/2025 12:3", "6/20/2025 12:3")
    )
    assert "ambiguous; write all dates in one order" in fail(path)


def test_a_date_order_that_nothing_tells(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(NINJA.replace(" AM", "").replace(" PM", ""))
    assert "no date in the file tells whether day or month comes first" in fail(path)


def test_mixed_decimal_marks(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text((FIXTURES / "ninjatrader_day_first.csv").read_text().replace("20,12", "20.12"))
    assert "write all numbers in one way" in fail(path)


def test_an_unknown_zone() -> None:
    assert "the time zone 'Mars/Base' is unknown" in fail(FIXTURES / "flex_plain.csv", zone="Mars/Base")


def test_a_byte_order_mark_semicolons_tabs_and_windows_line_ends(tmp_path: Path) -> None:
    trips = import_file(FIXTURES / "ninjatrader_us.csv").trips
    path = tmp_path / "log.csv"
    for delimiter in ";\t":
        text = NINJA.replace('"6,000.00","6,010.00"', "6000.00,6010.00").replace(
            '"6,010.00","6,012.00"', "6010.00,6012.00"
        )
        text = text.replace('"$1,008.00"', "$1008.00").replace('"$1,200.00"', "$1200.00").replace(",", delimiter)
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        assert import_file(path).trips == trips


def test_torn_rows_and_hours_that_happen_twice_are_rejected(tmp_path: Path) -> None:
    lines = NINJA.replace("6/9/2025 12:05:00 PM", "11/2/2025 1:30:00 AM").replace("6/9/2025 9:31", "3/9/2025 2:31")
    path = tmp_path / "log.csv"
    path.write_text(lines.replace("10:30:00 AM,Entry,Exit", "10:30:00 AM,Entry,Exit,,,,,,,,,,,,,9") + "8,IBM,Sim\n")
    file = import_file(path)
    assert [(row.line, row.rule) for row in file.rejected] == [
        (2, "nonexistent_time"),
        (3, "ambiguous_time"),
        (4, "torn"),
        (7, "position"),
        (8, "torn"),
    ]


def test_orders_and_activities_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text('[{"filled_qty": "1"}, {"activity_type": "FILL"}]')
    assert "mixes orders with activities" in fail(path)
