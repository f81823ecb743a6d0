"""Opens the tables people bring, CSV or Parquet, and says plainly what is wrong with one that cannot be used."""

import csv
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import polars as pl

from files.csv_cells import restore_cell, restore_cells
from gold_data.errors import GoldError

PARQUET_MAGIC = b"PAR1"


class RawRow(NamedTuple):
    """One data row as it stands: its line in the file (the header is line 1), and its values by column.

    One that does not `fit`, having more or fewer values than the header has names, gives them by place: "1", "2", ...
    """

    line: int
    values: dict[str, object]
    fits: bool


class RawTable(NamedTuple):
    """A file's columns and data rows."""

    columns: list[str]
    rows: list[RawRow]


def is_parquet(path: Path, what: str) -> bool:
    """Tell a Parquet file from one to be read as text.

    Args:
        path: The file.
        what: What it should hold, for the message.

    Raises:
        GoldError: it is missing, a directory, empty, cannot be opened, or is neither Parquet nor text.
    """
    if not path.exists():
        raise GoldError(f"{path}: there is no such file; give the path of a CSV or Parquet file of {what}")
    if not path.is_dir() and not path.is_file():
        raise GoldError(f"{path} is no regular file; give the path of one CSV or Parquet file of {what}")
    if path.is_dir():
        raise GoldError(f"{path} is a directory; give the path of one CSV or Parquet file of {what}")
    start = _read_start(path)
    if not start:
        raise GoldError(f"{path} is empty; it should hold {what}, under a header line")
    if start.startswith(PARQUET_MAGIC):
        return True
    if b"\0" in start:
        raise GoldError(_refuse_content(path, what))
    return False


def _read_start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as exc:
        raise GoldError(f"{path} cannot be opened: {exc.strerror}") from exc


def read_rows(path: Path, what: str) -> RawTable:
    """Read a table row by row: text from CSV (blank lines passed over), typed values from Parquet (row 1 is line 2).

    The apostrophe is taken away that `neutralise_cells` puts before a cell.

    Raises:
        GoldError: the file is missing, a directory, empty, or neither CSV nor Parquet.
    """
    if is_parquet(path, what):
        frame = read_parquet(path, what)
        rows = [RawRow(line, values, fits=True) for line, values in enumerate(frame.iter_rows(named=True), start=2)]
        return RawTable(frame.columns, rows)
    table = RawTable([], [])
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for cells in reader:
                _sort_in(table, reader.line_num, [restore_cell(cell.strip()) for cell in cells])
    except (UnicodeDecodeError, csv.Error) as exc:
        raise GoldError(_refuse_content(path, what)) from exc
    if not table.columns:
        raise GoldError(f"{path} holds only blank lines; it should hold {what}, under a header line")
    return table


def _sort_in(table: RawTable, line: int, cells: list[str]) -> None:
    if not any(cells):
        return
    if not table.columns:
        table.columns.extend(cells)
        return
    fits = len(cells) == len(table.columns)
    names = table.columns if fits else [str(place) for place in range(1, len(cells) + 1)]
    table.rows.append(RawRow(line, dict(zip(names, cells, strict=True)), fits))


def read_frame(path: Path, what: str) -> pl.DataFrame:
    """Read a table as one frame: all columns text from CSV, typed ones from Parquet.

    Raises:
        GoldError: the file is missing, a directory, empty, or neither CSV nor Parquet.
    """
    if is_parquet(path, what):
        return read_parquet(path, what)
    try:
        start = _read_start(path)
        is_old = b"\r" in start and b"\n" not in start  # lines end as they did on old computers
        frame = pl.read_csv(path, infer_schema=False, glob=False, eol_char="\r" if is_old else "\n").rename(str.strip)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as exc:
        raise GoldError(f"{_refuse_content(path, what)} ({str(exc).splitlines()[0]})") from exc
    return restore_cells(frame).filter(~pl.all_horizontal(pl.all().is_null()))


def read_parquet(path: Path, what: str) -> pl.DataFrame:
    """Read a Parquet file.

    Raises:
        GoldError: it is damaged.
    """
    try:
        return pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as exc:
        raise GoldError(f"{path} begins as Parquet does but cannot be read as {what}; write it anew") from exc


def _refuse_content(path: Path, what: str) -> str:
    return f"{path} cannot be read as {what}: it is neither Parquet nor CSV text in UTF-8 with a header line"


def check_columns(path: Path, found: Sequence[str], wanted: Sequence[str], optional: Sequence[str] = ()) -> list[str]:
    """Check that every wanted column is there once, and note the ones that nobody reads.

    Raises:
        GoldError: a column is missing or there twice; names what is missing, what was found and what comes closest.
    """
    known = [*wanted, *optional]
    foreign = [name for name in found if name not in known]
    missing = [name for name in wanted if name not in found]
    if missing:
        hints = [
            f"{name} (is it `{close[0]}`?)" if (close := get_close_matches(name, foreign, 1)) else name
            for name in missing
        ]
        raise GoldError(
            f"{path}: missing columns: {', '.join(hints)}; found: {', '.join(found)}. "
            f"Name the columns exactly {', '.join(wanted)}, separated by commas where it is CSV"
        )
    twice = sorted({name for name in known if list(found).count(name) > 1})
    if twice:
        raise GoldError(f"{path}: columns named twice: {', '.join(twice)}; keep one of each")
    return [f"{path.name}: columns not read: {', '.join(foreign)}"] if foreign else []
