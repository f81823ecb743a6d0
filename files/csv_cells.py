"""CSV for people: a cell that a spreadsheet would run as a formula is written with an apostrophe before it.

Numbers stay numbers; only text is looked at. The reader of gold takes the apostrophe away again.
"""

import re

import polars as pl

STARTS = r"=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}"
"""Characters that make a formula of a cell, their full-width forms included; after OWASP's page on CSV injection."""

_FORMULA = f"^'*[{STARTS}]"
_NEUTRALISED = re.compile("^'('*[" + re.sub(r"\\x\{(\w+)\}", r"\\u\1", STARTS) + "])")


def neutralise_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before every text that begins as a formula does, or as one that has apostrophes already."""
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep())


def restore_cell(cell: str) -> str:
    """Take the apostrophe away that `neutralise_cells` put before a text."""
    return _NEUTRALISED.sub(r"\1", cell) if cell.startswith("'") else cell


def restore_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Take the apostrophes away from every column of text that has some."""
    texts = frame.select(pl.col(pl.String))
    marked = [name for name in texts.columns if texts[name].str.starts_with("'").any()]
    return frame.with_columns(pl.col(name).str.replace(f"^'('*[{STARTS}])", "${1}") for name in marked)
