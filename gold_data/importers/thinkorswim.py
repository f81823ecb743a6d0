"""thinkorswim: account statement, and today's trade activity, as CSV.

Source: the export of thinkorswim's Monitor > Account Statement (`Export to file`), and what its users document of it: a
preamble, then sections, each with a title, a header and rows. Fills stand in the section `Account Trade History` (in
today's activity: `Filled Orders`) under `,Exec Time,Spread,Side,Qty,Pos Effect,Symbol,Exp,Strike,Type,Price,Net
Price,Order Type`, newest first. The first column has no name or is `Notes`. Times are `6/9/25 09:31:12`, month first.
Quantities are signed (`+100`, `-100`), prices may be `.50`. The second and later legs of a spread have neither time nor
name of the spread: they have those of the row above. `AUTO` says nothing of the position.

Other sections are not read: `Cash Balance` says everything a second time, `Account Order History` has orders, canceled
ones among them. Fills have no number, so two equal rows are two partial fills.
"""

from collections.abc import Iterator, Sequence

from gold_data.importers.events import Execution
from gold_data.importers.fills import Side, read_fill
from gold_data.importers.formats import CsvLine, Format, name_columns, read_alone
from gold_data.importers.instruments import refuse_asset
from gold_data.importers.rows import RowReader

SIDES = {"buy": "buy", "sell": "sell"}
EFFECTS = {"to open": "open", "to close": "close", "auto": "", "": ""}


def take_sections(header: CsvLine, lines: Sequence[CsvLine]) -> Iterator[CsvLine]:
    """Take the rows of every section under this header; a blank line or the next section's title ends one."""
    names = name_columns(header.cells)
    time, spread = names.index("exec time"), names.index("spread") if "spread" in names else -1
    is_inside = True
    before = ""
    for line in lines:
        if line.cells == header.cells:
            is_inside = True
        elif not any(line.cells) or (line.cells[0] and not any(line.cells[1:])):
            is_inside = False
        elif is_inside:
            cells = list(line.cells)
            if len(cells) > max(time, spread) >= 0 <= spread and not cells[time] and not cells[spread]:
                cells[time] = before
            before = cells[time] if len(cells) > time else ""
            yield CsvLine(line.number, tuple(cells))


def read_row(row: RowReader) -> Execution:
    """Read one fill."""
    refuse_asset(row.text("ticker"), row.text("type") or "no type", row.market)
    return read_fill(row, Side(row.choice("side", SIDES), row.choice("effect", EFFECTS)))


FORMAT = Format(
    name="thinkorswim",
    describes="thinkorswim's account statement",
    required={
        "time": ("exec time",),
        "side": ("side",),
        "quantity": ("qty",),
        "effect": ("pos effect",),
        "ticker": ("symbol",),
        "type": ("type",),
        "price": ("price",),
    },
    study=read_alone(read_row),
    numbers=("quantity", "price"),
    moments=(("time",),),
    zone="America/New_York",
    zone_note="thinkorswim writes times in the zone of its own settings; name it where that is not New York's",
    pairs=True,
    order="month_first",
    take=take_sections,
)
