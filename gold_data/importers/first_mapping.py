"""Writes a first mapping for a CSV file of no known format: columns guessed by name, each guess with what it holds.

The guess is to be looked over by the person whose file it is; every line says in a comment what it was guessed by.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from files.shown_text import show_path, write_command
from gold_data.errors import GoldError
from gold_data.importers import gold_table
from gold_data.importers.files import MAX_LINE_MIB, MIB, read_lines
from gold_data.importers.fills import WORDS, squeeze_word
from gold_data.importers.formats import DELIMITERS, CsvLine, name_columns, split_cells
from gold_data.importers.generic import DIRECTIONS

MOST_HEADER_LINES = 60  # above which a header is looked for
MOST_ROWS = 200  # that are looked at for words
LEAST_FIELDS = 3  # that a header must seem to name
MOST_WORDS = 12

# Names of columns by field, the likelier first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "ticker": (
        "symbol",
        "ticker",
        "instrument",
        "contract",
        "contractname",
        "security",
        "asset",
        "pair",
        "market",
        "code",
    ),
    "side": ("side", "b/s", "buy/sell", "action", "direction", "trade side", "order side", "trans code", "type"),
    "quantity": (
        "filled",
        "filled qty",
        "quantity",
        "qty",
        "shares",
        "size",
        "volume",
        "contracts",
        "executed",
        "amount",
    ),
    "price": ("avg price", "average price", "fill price", "exec price", "execution price", "trade price", "price"),
    "time": (
        *("filled time", "fill time", "exec time", "execution time", "trade time", "transaction time", "date/time"),
        *(
            "datetime",
            "date time",
            "timestamp",
            "time",
            "executed at",
            "created at",
            "date(utc)",
            "activity date",
            "date",
        ),
    ),
    "effect": ("open/close", "effect", "pos effect", "e/x", "o/c"),
    "account": ("account", "account id", "account number", "account name"),
    "id": ("execution id", "exec id", "fill id", "trade id", "id"),
    "trade_type": ("market pos.", "direction", "side", "position", "trade type", "long/short", "type", "action"),
    "entry_time": (
        "entry time",
        "open time",
        "open datetime",
        "opened",
        "opened at",
        "enteredat",
        "entry date",
        "date in",
    ),
    "exit_time": (
        "exit time",
        "close time",
        "close datetime",
        "closed",
        "closed at",
        "exitedat",
        "exit date",
        "date out",
    ),
    "entry_price": ("entry price", "open price", "avg entry price", "entryprice", "buy price", "price in", "entry"),
    "exit_price": ("exit price", "close price", "avg exit price", "exitprice", "sell price", "price out", "exit"),
    "buy_time": ("bought timestamp", "boughttimestamp", "buy time", "bought at"),
    "sell_time": ("sold timestamp", "soldtimestamp", "sell time", "sold at"),
    "buy_price": ("buy price", "buyprice"),
    "sell_price": ("sell price", "sellprice"),
    "fees": ("commission", "commissions", "fees", "fee", "comm", "comm/fee", "fees & comm", "commission/fees"),
    "stop": ("stop", "stop loss", "stoploss", "initial stop", "s / l", "s/l", "sl"),
    "target": ("target", "take profit", "takeprofit", "profit target", "t / p", "t/p", "tp"),
    "setup": ("setup", "setups", "playbook", "strategy", "pattern"),
    "tags": ("tags", "tag", "labels"),
}
BESIDE = ("account", "fees", "stop", "target", "setup", "tags")  # carried where a log has them
EXECUTIONS: tuple[str, ...] = ("ticker", "side", "quantity", "price", "time", "effect", "id", *BESIDE)
ROUND_TRIPS: tuple[str, ...] = (
    "ticker",
    "trade_type",
    "entry_time",
    "exit_time",
    "entry_price",
    "exit_price",
    "quantity",
    *BESIDE,
)
BY_FIRST_LEG: tuple[str, ...] = ("ticker", "buy_time", "sell_time", "buy_price", "sell_price", "quantity", *BESIDE)
OPTIONAL = {"side", "effect", "id", *BESIDE}
STATUS = ("status", "order status", "state")
DONE = ("fill", "exec", "complet", "closed", "done")
CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\s*[AaPp][Mm])?")


class _Table(NamedTuple):
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def write_first_mapping(path: Path) -> str:
    """Write a first mapping of a file, as YAML with comments.

    Raises:
        GoldError: the file cannot be read, no line of it looks like a header of trades, or it needs no mapping.
    """
    table = _find_table(path, read_lines(path, MAX_LINE_MIB * MIB))
    kinds = {
        kind: {field: column for field in fields if (column := _find_column(table, field)) is not None}
        for kind, fields in (("first leg", BY_FIRST_LEG), ("trips", ROUND_TRIPS), ("fills", EXECUTIONS))
    }
    trips, first_leg = kinds["trips"], kinds["first leg"]
    fields: tuple[str, ...]
    if {"buy_time", "sell_time", "buy_price", "sell_price"} <= first_leg.keys():
        fields, columns = BY_FIRST_LEG, first_leg
    elif {"entry_time", "exit_time"} <= trips.keys() or {"entry_price", "exit_price"} <= trips.keys():
        fields, columns = ROUND_TRIPS, trips
    else:
        fields, columns = EXECUTIONS, kinds["fills"]
    rows = "executions" if fields is EXECUTIONS else "round_trips"
    what, other = "one execution (a fill)", "round_trips"
    if fields is not EXECUTIONS:
        what, other = "one whole round trip", "executions"
    lines = [
        f"# A first mapping of {path.name}, guessed by the names of its columns. Look it over, then:",
        f"#   {write_command('tradelogs', 'gold', 'import', path.name)} --mapping THIS --bars BARS --out gold/",
        f"rows: {rows}  # one row seems to be {what}; the other kind is {other}",
        "columns:",
        *(_write_column(table, field, columns.get(field)) for field in fields),
        *_write_words(table, columns),
        *_write_only(table),
        "# zone: America/New_York  # of times without an offset; name it where it is another",
        "# date_order: day_first  # or month_first, where the year comes last and no date tells",
        "# market: XNYS  # where it is traded; or XNYS extended, CMES, XETR, 24/7 ...",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _find_table(path: Path, lines: Sequence[str]) -> _Table:
    best: tuple[int, list[CsvLine], int] = (0, [], 0)
    for delimiter in DELIMITERS:
        table, _ = split_cells(lines, delimiter)
        for place, line in enumerate(table[:MOST_HEADER_LINES]):
            if {*gold_table.FORMAT.required} <= {*line.cells}:
                raise GoldError(_say_gold(path))
            names = set(name_columns(line.cells))
            found = sum(bool(names.intersection(choices)) for choices in NAMES.values())
            if found > best[0]:
                best = found, table, place
    if best[0] < LEAST_FIELDS:
        raise GoldError(
            f"{path}: no line looks like the header of a table of trades (columns such as symbol, side, quantity, "
            "price, time); export it as CSV with its header"
        )
    _, table, place = best
    header = table[place].cells
    rows = [line.cells for line in table[place + 1 :] if len(line.cells) >= len(header) - 1 and any(line.cells)]
    return _Table(header, rows[:MOST_ROWS])


def _say_gold(path: Path) -> str:
    done = f"{write_command('tradelogs', 'gold', 'import', path)} --bars BARS --out gold/"
    said = f"{show_path(path)} is gold already, in this project's own columns, and needs no mapping"
    return f"{said}. Import it as it is: {done}"


def _find_column(table: _Table, field: str) -> int | None:
    names = name_columns(table.header)
    return next((names.index(name) for name in NAMES[field] if name in names), None)


def _list_values(table: _Table, place: int) -> list[str]:
    return list(dict.fromkeys(row[place] for row in table.rows if place < len(row) and row[place]))


def _write_column(table: _Table, field: str, place: int | None) -> str:
    if place is None and field in OPTIONAL:
        return ""
    if place is None:
        hint = "; or say `ticker: SPY` above `columns`" if field == "ticker" else ""
        return f"  # {field}: ?  # no column seems to hold it: name it{hint}"
    told: object = table.header[place]
    values = _list_values(table, place)
    names = name_columns(table.header)
    if field == "time" and values and CLOCK.fullmatch(values[0]):
        date = next((names.index(name) for name in ("date", "trade date", "t/d") if name in names), None)
        told = [table.header[date], table.header[place]] if date is not None else told
    said = yaml.safe_dump({field: told}, default_flow_style=True, width=1000, allow_unicode=True).strip()[1:-1]
    return f"  {said}  # such as {_show(values[0])}" if values else f"  {said}"


def _show(value: str) -> str:
    return "".join(char if char.isprintable() else " " for char in value)[:40]


def _write_words(table: _Table, columns: Mapping[str, int]) -> list[str]:
    field = next((name for name in ("side", "trade_type") if name in columns), None)
    if field is None:
        return []
    known = set(WORDS) if field == "side" else set(DIRECTIONS)
    words = _list_values(table, columns[field])[:MOST_WORDS]
    foreign = [word for word in words if squeeze_word(word) not in known]
    if not foreign:
        return []
    listed = ", ".join(map(_show, foreign))
    other = "sell" if field == "side" else "short"
    return [f"# words: {{buy: [...], {other}: [...]}}  # put in: {listed}"]


def _write_only(table: _Table) -> list[str]:
    names = name_columns(table.header)
    place = next((names.index(name) for name in STATUS if name in names), None)
    if place is None:
        return []
    words = _list_values(table, place)[:MOST_WORDS]
    kept = [word for word in words if word.casefold().startswith(DONE)]
    if not kept:
        return []
    said = yaml.safe_dump({"only": {table.header[place]: kept}}, default_flow_style=True, width=1000).strip()[1:-1]
    left = ", ".join(_show(word) for word in words if word not in kept)
    return [said + (f"  # left out: {left}" if left else "")]
