"""What a format is: which columns it needs, how it writes numbers and times, how a row of it is read."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from gold_data.errors import GoldError
from gold_data.importers.base import ImportedFile, RejectedRow, RoundTrip
from gold_data.importers.moments import DateOrder
from gold_data.importers.numerals import DecimalMark
from gold_data.importers.pairing import Event, Execution, Pairing, Unreadable, pair_executions
from gold_data.importers.rows import NotATradeError, Row, RowFaultError, RowReader, Style

DELIMITERS = (",", ";", "\t")


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

    `required` and `optional` give the names a column may bear, by field; case and spacing do not matter. `study`
    looks at all rows of a file and gives the function that reads one. `numbers` are
    fields that show how the file writes numbers, `moments` fields (joined by a space) that show how it writes times.
    `order` is the order of day and month where no date tells, None where the format has no usual one. `zone` is the
    zone of times without an offset, `zone_note` what to know about it. `identity` are fields that name an execution
    where the first is not empty; equal ones without a name are taken for several fills. A round trip is told by all
    that its row says.
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
    """List the required columns that are missing, by their usual names."""
    return [choices[0] for choices in form.required.values() if not set(choices) & set(names)]


def build_rows(path: Path, form: Format, header: CsvLine, lines: Sequence[CsvLine]) -> list[Row]:
    """Give the data rows below a header.

    Raises:
        GoldError: two columns bear the name of one field.
    """
    names = name_columns(header.cells)
    while names and not names[-1]:
        names.pop()
    places: dict[str, int] = {}
    for name, choices in {**form.optional, **form.required}.items():
        found = [place for place, column in enumerate(names) if column in choices]
        if len(found) > 1:
            raise GoldError(f"{path}: line {header.number} names the column {choices[0]!r} twice; keep one")
        if found:
            places[name] = found[0]
    return [_build_row(line, places, len(names)) for line in form.take(header, lines)]


def _build_row(line: CsvLine, places: Mapping[str, int], width: int) -> Row:
    fits = len(line.cells) >= width and not any(line.cells[width:])
    torn = "" if fits else f"{len(line.cells)} values, the header has {width} names"
    cells = {name: line.cells[place] for name, place in places.items() if place < len(line.cells)}
    return Row(line.number, cells, line.cells, torn)


def digest_rows(form: Format, rows: Sequence[Row], style: Style, notes: list[str]) -> ImportedFile:
    """Read rows, pair executions, and account for every row."""
    trips: list[RoundTrip] = []
    events: list[Event] = []
    rejected: list[RejectedRow] = []
    duplicates: list[int] = []
    seen: set[tuple[str, ...]] = set()
    read_row = form.study(rows, style)
    for row in rows:
        key = _identify(form, row)
        if key and key in seen:
            duplicates.append(row.line)
            continue
        seen.add(key)
        try:
            outcome = read_row(RowReader(row, style))
        except RowFaultError as fault:
            rejected.append(RejectedRow(row.line, fault.rule, fault.value))
            if not isinstance(fault, NotATradeError):
                events.append(Unreadable(row.line, row.text("ticker").upper() if not row.torn else ""))
            continue
        if isinstance(outcome, RoundTrip):
            trips.append(outcome)
        else:
            events.append(outcome)
    if form.pairs:
        pairing = pair_executions(events)
        notes = [*notes, *_note_alike(form, rows), *_note_unreadable(events), *pairing.notes]
    else:
        pairing = Pairing(trips=trips, rows_used=len(trips))
    return ImportedFile(
        format=form.name,
        rows_in=len(rows),
        rows_used=pairing.rows_used,
        trips=pairing.trips,
        rejected=sorted(rejected + pairing.rejected, key=lambda row: row.line),
        duplicates=duplicates,
        rows_open=pairing.rows_open,
        open_positions=pairing.open_positions,
        notes=notes,
    )


def _identify(form: Format, row: Row) -> tuple[str, ...]:
    if form.pairs:
        key = tuple(row.text(name) for name in form.identity)
        return key if key and key[0] else ()
    return row.raw


def _note_alike(form: Format, rows: Sequence[Row]) -> list[str]:
    counts = Counter(row.raw for row in rows if not _identify(form, row))
    alike = sum(count - 1 for count in counts.values())
    if not alike:
        return []
    return [f"rows that repeat another in every cell: {alike}; having no number of their own, they count as fills"]


def _note_unreadable(events: Sequence[Event]) -> list[str]:
    lines = [event.line for event in events if isinstance(event, Unreadable)]
    if not lines:
        return []
    return [
        f"fills that cannot be read: {len(lines)}, the first in line {lines[0]}; nobody knows the position after them, "
        "so later rows of their tickers are rejected (rule after_unreadable). Mend them, or remove their whole trade"
    ]


def find_texts(rows: Sequence[Row], fields: Sequence[tuple[str, ...]]) -> Iterator[tuple[int, str]]:
    """Give line and text of every cell of these fields, each a tuple of columns joined by a space."""
    return ((row.line, row.text(*names)) for row in rows if not row.torn for names in fields)
