"""Any CSV file, its columns named by a mapping in YAML (its shape: `mapping.schema.json`).

One row is a round trip or an execution, as the mapping says. This is the format of our own making; there is no other
source of it than the schema.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from gold_data.errors import GoldError
from gold_data.importers.base import STATED_FIELDS, RoundTrip
from gold_data.importers.events import Execution
from gold_data.importers.faults import RowFaultError
from gold_data.importers.files import MAPPING, read_lines
from gold_data.importers.fills import (
    BUY,
    BUY_CLOSES,
    SELL,
    SELL_CLOSES,
    SELL_SHORT,
    WORDS,
    Side,
    close_plain_sales,
    read_fill,
    read_side,
    squeeze_word,
    tells_shorts_apart,
)
from gold_data.importers.formats import GENERIC, Format, ReadRow, Study, name_columns, read_alone
from gold_data.importers.moments import load_zone
from gold_data.importers.rows import Row, RowReader, Style
from gold_data.sessions import EXCHANGE_ZONE

MAX_MAPPING = 1 << 16  # bytes of a line; and of the whole, in characters
TIMES = ("time", "entry_time", "exit_time", "buy_time", "sell_time")
PRICES = ("quantity", "price", "entry_price", "exit_price", "buy_price", "sell_price")
CARRIED_PRICES = ("fees", "stop", "target")
DIRECTIONS = {
    **dict.fromkeys(("buy", "bought", "long", "b", "l", "bull", "buytoopen"), "buy"),
    **dict.fromkeys(("short", "sell", "sold", "s", "ss", "sellshort", "shortsell", "bear", "selltoopen"), "short"),
}
SIDES = {
    "buy": BUY,
    "sell": SELL,
    "sell_short": SELL_SHORT,
    "sell_closes": SELL_CLOSES,
    "buy_closes": BUY_CLOSES,
}
EFFECTS = {"": ""} | {
    **dict.fromkeys(("open", "o", "toopen", "entry", "opening", "in"), "open"),
    **dict.fromkeys(("close", "c", "toclose", "exit", "closing", "out"), "close"),
}

Mapped = Mapping[str, Any]


@cache
def load_mapping_schema() -> dict[str, Any]:
    """Load the JSON Schema of a mapping."""
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("mapping.schema.json").read_text(encoding="utf-8"))
    return schema


def read_mapping(path: Path, ticker: str | None = None) -> Mapped:
    """Read a mapping.

    Args:
        path: The file.
        ticker: That of all rows, where it was given beside the mapping.

    Raises:
        GoldError: it cannot be read, is no YAML, or does not keep to its schema (every violation is told).
    """
    text = "".join(read_lines(path, MAX_MAPPING, MAPPING))
    if len(text) > MAX_MAPPING:
        raise GoldError(f"{path} has {len(text)} characters; limit: {MAX_MAPPING}. This is no mapping of columns")
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise GoldError(f"{path}: a mapping has no aliases (*name); write the value out")
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise GoldError(f"{path} is not YAML: {' '.join(str(exc).split())}") from exc
    try:
        data = json.loads(json.dumps(data))
    except (TypeError, ValueError, RecursionError) as exc:
        raise GoldError(f"{path} holds values that JSON has not, such as dates; put them in quotation marks") from exc
    if ticker is not None and isinstance(data, dict):
        data.setdefault("ticker", ticker)
    problems = sorted(Draft202012Validator(load_mapping_schema()).iter_errors(data), key=lambda error: error.json_path)
    if problems:
        listed = "; ".join(f"{error.json_path.removeprefix('$.')}: {error.message[:200]}" for error in problems)
        raise GoldError(f"{path} does not keep to the schema of a mapping: {listed}")
    load_zone(data.get("zone", EXCHANGE_ZONE))
    mapping: Mapped = data
    return mapping


def build_format(mapping: Mapped) -> Format:
    """Build the format that a mapping describes."""
    columns: dict[str, tuple[str, ...]] = {}
    moments: list[tuple[str, ...]] = []
    for name, told in mapping["columns"].items():
        parts = told if isinstance(told, list) else [told]
        fields = (name,) if len(parts) == 1 else (f"{name} date", f"{name} clock")
        columns.update({field: tuple(name_columns([part])) for field, part in zip(fields, parts, strict=True)})
        if name in TIMES:
            moments.append(fields)
    only: dict[str, tuple[str, ...]] = {}
    for number, (column, words) in enumerate(mapping.get("only", {}).items(), start=1):
        columns[f"only {number}"] = tuple(name_columns([column]))
        only[f"only {number}"] = tuple(map(squeeze_word, words))
    pairs = mapping["rows"] == "executions"
    times = {fields[0].removesuffix(" date"): fields for fields in moments}
    return Format(
        name=GENERIC,
        describes="columns named by a mapping",
        required=columns,
        study=_study_fills(mapping, times) if pairs else read_alone(_make_trade_reader(mapping, times)),
        numbers=tuple(name for name in (*PRICES, *CARRIED_PRICES, *STATED_FIELDS) if name in columns),
        moments=tuple(moments),
        zone=mapping.get("zone", EXCHANGE_ZONE),
        zone_note="" if "zone" in mapping else "the mapping names no zone; name one where the times are of another",
        pairs=pairs,
        order=mapping.get("date_order"),
        mark=mapping.get("decimal_mark"),
        identity=("id",) if pairs else (),
        detail=("account",) if pairs else (),
        only=only,
        needs_ticker="ticker" not in columns,
        ticker=mapping.get("ticker", ""),
        market=mapping.get("market"),
        follows_market="zone" not in mapping,
    )


def _make_trade_reader(mapping: Mapped, times: Mapping[str, tuple[str, ...]]) -> Callable[[RowReader], RoundTrip]:
    own = mapping.get("words", {})
    words = DIRECTIONS | {squeeze_word(word): told for told in ("buy", "short") for word in own.get(told, [])}
    return lambda row: read_trip(row, times, words)


def read_trip(row: RowReader, times: Mapping[str, tuple[str, ...]], words: Mapping[str, str]) -> RoundTrip:
    """Read a row that is a round trip: its direction by a word, or by which of purchase and sale came first.

    Args:
        row: Fields are those of a mapping.
        times: The columns of every moment.
        words: Directions by squeezed word.
    """
    stated = {name: float(value) for name in STATED_FIELDS if (value := row.optional_number(name)) is not None}
    ticker = row.ticker("ticker")
    moments = {name: row.moment(*fields) for name, fields in times.items()}
    begin, end = "entry", "exit"
    if "buy_time" in times:
        begin, end = ("buy", "sell") if moments["buy_time"] <= moments["sell_time"] else ("sell", "buy")
        trade_type = "buy" if begin == "buy" else "short"
    else:
        trade_type = words.get(squeeze_word(row.text("trade_type")), "")
    if "buy_time" in times and moments["buy_time"] == moments["sell_time"]:
        raise RowFaultError(
            "direction", f"bought and sold at {row.text(times['buy_time'][-1])}: which first, nobody says"
        )
    if not trade_type:
        raise RowFaultError(
            "trade_type", row.text("trade_type"), "a word for long or short; a mapping may name your own"
        )
    return RoundTrip(
        source_line=row.row.line,
        ticker=ticker,
        trade_type=trade_type,
        entry_time=moments[f"{begin}_time"],
        exit_time=moments[f"{end}_time"],
        entry_price=float(row.positive(f"{begin}_price")),
        exit_price=float(row.positive(f"{end}_price")),
        quantity=abs(float(row.number("quantity"))) or 1.0 if row.text("quantity") else 1.0,
        stated=stated,
    )


def _study_fills(mapping: Mapped, times: Mapping[str, tuple[str, ...]]) -> Study:
    own = {squeeze_word(word): side for told, side in SIDES.items() for word in mapping.get("words", {}).get(told, [])}
    # A word that tells more by itself than the mapping says of it (`SellShort` under `sell`) keeps its meaning.
    more: dict[str, Side] = {
        word: WORDS[word] for word, side in own.items() if word in WORDS and WORDS[word].word == side.word
    }
    words = dict(WORDS) | own | {word: side for word, side in more.items() if own[word] == Side(side.word)}

    def study(rows: Sequence[Row], _style: Style) -> ReadRow:
        known = close_plain_sales(words) if tells_shorts_apart(rows, "side", words) else words
        return lambda row: _read_fill(row, mapping, known, times["time"])

    return study


def _read_fill(row: RowReader, mapping: Mapped, words: Mapping[str, Side], time: tuple[str, ...]) -> Execution:
    if "side" in mapping["columns"]:
        side = read_side(row, "side", words)
    else:
        side = SELL if row.number("quantity") < 0 else BUY
    if "effect" in mapping["columns"]:
        side = Side(side.word, row.choice("effect", EFFECTS) or side.effect)
    return read_fill(row, side, time=time)
