"""Reads market data block by block, so that a file of any size fits: CSV, as it is or zipped by gzip, or Parquet."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv  # type: ignore[attr-defined]

from gold_data.errors import GoldError
from gold_data.tables import is_parquet

WHAT = "market data"
BLOCK_ROWS, BLOCK_BYTES = 100_000, 1 << 23
GZIP_MAGIC = b"\x1f\x8b"  # of flat files as they are downloaded
LONGEST_HEADER = 1 << 16  # bytes; a file without a line end in its first 64 KiB is no table


def find_delimiter(source: Path) -> str:
    """Find what separates the columns of a CSV file, by its first line; empty where the file is Parquet.

    Raises:
        GoldError: the file is neither, or its first line does not end.
    """
    start = _read_start(source)
    if not start.startswith(GZIP_MAGIC) and is_parquet(source, WHAT):
        return ""
    if start.startswith(GZIP_MAGIC):
        try:
            with gzip.open(source) as file:
                start = file.read(LONGEST_HEADER)
        except (OSError, EOFError, zlib.error) as exc:
            raise GoldError(f"{source} cannot be read as {WHAT}: it is no whole gzip file ({exc})") from exc
    header = start.splitlines()[0].decode("utf-8", "replace") if start else ""
    if len(start) == LONGEST_HEADER and len(header) == len(start):
        raise GoldError(f"{source} cannot be read as {WHAT}: its first line does not end within 64 KiB")
    return max(",;\t", key=header.count)


def _read_start(source: Path) -> bytes:
    if not source.is_file():
        return b""
    with source.open("rb") as file:
        return file.read(LONGEST_HEADER)


def iter_blocks(source: Path, delimiter: str) -> Iterator[pl.DataFrame]:
    """Read a table block by block, all text from CSV; the first block has its columns and no rows."""
    if not delimiter:
        table = pq.ParquetFile(source)  # type: ignore[no-untyped-call]
        yield pl.DataFrame(table.schema_arrow.empty_table())
        yield from map(pl.DataFrame, table.iter_batches(BLOCK_ROWS))  # type: ignore[no-untyped-call]
        return
    compression = "gzip" if _read_start(source).startswith(GZIP_MAGIC) else None
    parsing = ParseOptions(delimiter=delimiter)
    with pa.input_stream(source, compression=compression) as file:
        names = open_csv(file, parse_options=parsing).schema.names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise GoldError(
            f"{source}: its first line names {', '.join(twice)} more than once; give a header line of different names. "
            "Of several tickers side by side download one per file, or write them as rows (`frame.stack(level=1)`)"
        )
    texts = dict.fromkeys(names, pa.string())
    reader = open_csv(
        pa.input_stream(source, compression=compression),
        ReadOptions(block_size=BLOCK_BYTES),
        parsing,
        convert_options=ConvertOptions(column_types=texts, null_values=[""], strings_can_be_null=True),
    )
    yield pl.DataFrame(reader.schema.empty_table())
    yield from map(pl.DataFrame, reader)


def make_mending(first: pl.DataFrame, numbers: Iterable[str | None]) -> Callable[[pl.DataFrame], pl.DataFrame] | None:
    """Make what writes numbers with a decimal point, where a table has decimal commas; None where it has none."""
    names = list(dict.fromkeys(name for name in numbers if name))
    cells = pl.concat([first.get_column(name).cast(pl.String).alias("cell") for name in names])
    if not cells.str.contains(r"^-?[\d.]*\d,\d+$").any():
        return None
    point = pl.col(names).str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return lambda block: block.with_columns(point)
