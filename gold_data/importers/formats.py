"""What a format is: which columns it needs, how it writes numbers and times, how a row of it is read."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from gold_data.errors import GoldError
from gold_data.importers.base import RoundTrip
from gold_data.importers.events import Execution
from gold_data.importers.numerals import DecimalMark
from gold_data.importers.rows import Row, RowReader, Style
from gold_data.late_years import DateOrder

GENERIC = "generic"  # the format whose columns a mapping names
DELIMITERS = (",", ";", "\t", "|")


class CsvLine(NamedTuple):
    """One record of a CSV file and the line it begins on."""

    number: int
    cells: tuple[str, ...]


def take_all(header: CsvLine, lines: Sequence[CsvLine]) -> Iterator[CsvLine]:
    """Take every record below the header but for blank ones and the header's repetitions."""
    return (line for line in lines if any(line.cells) and line.cells != header.cells)


ReadRow = Callable[[RowReader], RoundTrip | Execution]
Study = Callable[[Sequence[Row], Style], ReadRow]


def read_alone(read_row: ReadRow) -> Study:
    """Make a format whose rows are each read alone."""
    return lambda _rows, _style: read_row


@dataclass(frozen=True)
class Format:
    """A format of trade logs.

    `required` and `optional` give the names a column may bear, by field, the likelier first; case and spacing do not
    matter. `study`
    looks at all rows of a file and gives the function that reads one. `numbers` are
    fields that show how the file writes numbers, `moments` fields (joined by a space) that show how it writes times.
    `order` is the order of day and month where no date tells, None where the format has no usual one. `zone` is the
    zone of times without an offset, `zone_note` what to know about it. `identity` are fields that name an execution
    where any is not empty, `detail` those that tell rows of one name apart; equal executions without a name are taken
    for several fills. A round trip is told by all that its row says. Fills of one `trade_number` are paired for
    themselves; numbers are the file's own. `only` are words, squeezed (`squeeze_word`), that a field must be one
    of, or the row is no fill. `instead` says what to export where the times of a log have no time of day. A format
    `needs_ticker` whose rows do not name one; `ticker` is that of all rows, where the format itself knows it.
    `fees` are the fields that add up to a row's costs, `market` where its tickers are traded, as
    `gold_data.markets` reads it, if the format says so. Of one that `follows_market`, times without an offset are
    those of the declared market, and not of `zone`. A file that has a column of `unless` is of another format.
    """

    name: str
    describes: str
    required: Mapping[str, tuple[str, ...]]
    study: Study
    numbers: tuple[str, ...]
    moments: tuple[tuple[str, ...], ...]
    zone: str
    pairs: bool
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zone_note: str = ""
    order: DateOrder | None = None
    mark: DecimalMark | None = None
    identity: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()
    trade_number: str = ""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    instead: str = ""
    needs_ticker: bool = False
    ticker: str = ""
    fees: tuple[str, ...] = ("fees",)
    market: object = None
    follows_market: bool = False
    unless: tuple[str, ...] = ()
    take: Callable[[CsvLine, Sequence[CsvLine]], Iterator[CsvLine]] = take_all


def split_cells(lines: Sequence[str], delimiter: str) -> tuple[list[CsvLine], str]:
    """Split lines of CSV into cells, stripped of spaces around.

    Returns:
        The records until the first that is no CSV, an open quotation mark among them, and what is wrong with that one.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    found, before = [], 0
    try:
        for cells in reader:
            found.append(CsvLine(before + 1, tuple(cell.strip() for cell in cells)))
            before = reader.line_num
    except csv.Error as exc:
        return found, f"line {before + 1} is not CSV ({exc})"
    return found, ""


def name_columns(cells: Sequence[str]) -> list[str]:
    """Give column names as they are compared: lower case, single spaces."""
    return [" ".join(cell.split()).casefold() for cell in cells]


def list_missing(form: Format, names: Sequence[str]) -> list[str]:
    """List the required columns that are missing, by their usual names, and what makes a file another format's."""
    missing = [choices[0] for choices in form.required.values() if not set(choices) & set(names)]
    return missing + [f"a file without {name}" for name in form.unless if name in names]


def build_rows(path: Path, form: Format, header: CsvLine, lines: Sequence[CsvLine]) -> list[Row]:
    """Give the data rows below a header; of several names that a field may have, the first one that is there counts.

    Raises:
        GoldError: two columns bear that name.
    """
    names = name_columns(header.cells)
    while names and not names[-1]:
        names.pop()
    places: dict[str, int] = {}
    for name, choices in {**form.optional, **form.required}.items():
        usual = next((choice for choice in choices if choice in names), None)
        if usual is None:
            continue
        if names.count(usual) > 1:
            raise GoldError(f"{path}: line {header.number} names the column {usual!r} twice; keep one")
        places[name] = names.index(usual)
    return [_build_row(line, places, len(names)) for line in form.take(header, lines)]


def list_unread(form: Format, names: Sequence[str]) -> list[str]:
    """List the columns that a format does not read."""
    known = {name for choices in (*form.required.values(), *form.optional.values()) for name in choices}
    return [name for name in names if name and name not in known]


def _build_row(line: CsvLine, places: Mapping[str, int], width: int) -> Row:
    fits = len(line.cells) >= width and not any(line.cells[width:])
    torn = "" if fits else f"{len(line.cells)} values, the header has {width} names"
    cells = {name: line.cells[place] for name, place in places.items() if place < len(line.cells)}
    return Row(line.number, cells, line.cells, torn, is_text=sum(map(bool, line.cells)) <= 1)


def find_texts(rows: Sequence[Row], fields: Sequence[tuple[str, ...]]) -> Iterator[tuple[int, str]]:
    """Give line and text of every cell of these fields, each a tuple of columns joined by a space."""
    return ((row.line, row.text(*names)) for row in rows if not row.torn for names in fields)
