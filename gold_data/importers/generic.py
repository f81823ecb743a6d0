"""Any CSV file, its columns named by a mapping in YAML (its shape: `mapping.schema.json`).

One row is a round trip or an execution, as the mapping says. This is the format of our own making; there is no other
source of it than the schema.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from gold_data.errors import GoldError
from gold_data.importers.base import STATED_FIELDS, RoundTrip
from gold_data.importers.files import read_lines
from gold_data.importers.formats import Format, name_columns, read_alone
from gold_data.importers.moments import load_zone
from gold_data.importers.pairing import Execution
from gold_data.importers.rows import RowReader
from gold_data.sessions import EXCHANGE_ZONE

MAX_MAPPING = 1 << 16  # bytes of a line; and of the whole, in characters
TIMES = ("time", "entry_time", "exit_time")
PRICES = ("quantity", "price", "entry_price", "exit_price")
WORDS = {
    "buy": ("buy", "bought", "long", "b"),
    "short": ("short", "sell", "sold", "s"),
    "sell": ("sell", "sold", "short", "s", "sell short"),
}

Mapped = Mapping[str, Any]


@cache
def load_mapping_schema() -> dict[str, Any]:
    """Load the JSON Schema of a mapping."""
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("mapping.schema.json").read_text(encoding="utf-8"))
    return schema


def read_mapping(path: Path) -> Mapped:
    """Read a mapping.

    Raises:
        GoldError: it cannot be read, is no YAML, or does not keep to its schema (every violation is told).
    """
    text = "".join(read_lines(path, MAX_MAPPING))
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
    pairs = mapping["rows"] == "executions"
    read = _make_fill_reader if pairs else _make_trade_reader
    return Format(
        name="generic",
        describes="columns named by a mapping",
        required=columns,
        study=read_alone(read(mapping, {fields[0].removesuffix(" date"): fields for fields in moments})),
        numbers=tuple(name for name in (*PRICES, *STATED_FIELDS) if name in columns),
        moments=tuple(moments),
        zone=mapping.get("zone", EXCHANGE_ZONE),
        zone_note="" if "zone" in mapping else "the mapping names no zone; name one where that is not New York's",
        pairs=pairs,
        order=mapping.get("date_order"),
        mark=mapping.get("decimal_mark"),
        identity=("id",) if pairs else (),
    )


def _list_words(mapping: Mapped, *meanings: str) -> dict[str, str]:
    """Give the words of these meanings; the mapping's own come before the usual ones."""
    own = mapping.get("words", {})
    usual = {word: meaning for meaning in meanings for word in WORDS[meaning]}
    return usual | {word.strip().casefold(): meaning for meaning in meanings for word in own.get(meaning, [])}


def _make_trade_reader(mapping: Mapped, times: Mapping[str, tuple[str, ...]]) -> Callable[[RowReader], RoundTrip]:
    words = _list_words(mapping, "buy", "short")

    def read_trade(row: RowReader) -> RoundTrip:
        stated = {name: float(value) for name in STATED_FIELDS if (value := row.optional_number(name)) is not None}
        return RoundTrip(
            source_line=row.row.line,
            ticker=row.ticker("ticker"),
            trade_type=row.choice("trade_type", words),
            entry_time=row.moment(*times["entry_time"]),
            exit_time=row.moment(*times["exit_time"]),
            entry_price=float(row.positive("entry_price")),
            exit_price=float(row.positive("exit_price")),
            quantity=float(row.positive("quantity")) if row.text("quantity") else 1.0,
            stated=stated,
        )

    return read_trade


def _make_fill_reader(mapping: Mapped, times: Mapping[str, tuple[str, ...]]) -> Callable[[RowReader], Execution]:
    words = _list_words(mapping, "buy", "sell")
    has_side = "side" in mapping["columns"]

    def read_fill(row: RowReader) -> Execution:
        quantity = row.number("quantity")
        side = row.choice("side", words) if has_side else ("sell" if quantity < 0 else "buy")
        return Execution(
            line=row.row.line,
            ticker=row.ticker("ticker"),
            time=row.moment(*times["time"]),
            quantity=row.signed_quantity("quantity", side),
            price=row.positive("price"),
            account=row.text("account"),
        )

    return read_fill
