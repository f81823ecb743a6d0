"""Opens a trade log of whatever kind - CSV, JSON, a page of HTML - and finds its format among some."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gold_data.errors import GoldError
from gold_data.importers import alpaca, freqtrade, metatrader, quantconnect
from gold_data.importers.files import (
    MAX_FILE_MIB,
    MAX_LINE_MIB,
    MIB,
    WINDOWS,
    begins_as_html,
    begins_as_json,
    read_lines,
    read_text,
)
from gold_data.importers.formats import (
    DELIMITERS,
    GENERIC,
    CsvLine,
    Format,
    build_rows,
    list_missing,
    list_unread,
    name_columns,
    split_cells,
)
from gold_data.importers.pages import read_tables
from gold_data.importers.records import parse_json
from gold_data.importers.rows import Row

# Columns that say which of two directions a row has; where nobody reads them, every fill would be a purchase.
CSV_ADVICE = "Other CSV files are read with a mapping: tradelogs gold map FILE writes a first one"
DIRECTIONS = {"side", "action", "b/s", "buy/sell", "direction", "buy sell", "order side", "trade side"}


class Opened(NamedTuple):
    """A log's format and data rows, whether commas separate its columns, and what is to be noted of its text."""

    form: Format
    rows: list[Row]
    splits_at_comma: bool
    notes: tuple[str, ...] = ()


def open_log(path: Path, forms: Sequence[Format]) -> Opened:
    """Find the format of a file, and give its data rows.

    Raises:
        GoldError: the file cannot be read, or no format fits; names the formats and what the closest one misses.
    """
    is_json = begins_as_json(path) and any(form in forms for form in (alpaca.FORMAT, *_JSON_FORMATS))
    if is_json:
        return _open_json(path, "".join(read_lines(path, MAX_FILE_MIB * MIB)))
    if begins_as_html(path):
        text = "".join(read_lines(path, MAX_FILE_MIB * MIB))
        metatrader.refuse_version_4(path, text)
        return _find_format(path, forms, [(",", read_tables(text), "")], advice=metatrader.ADVICE)
    lines, encoding = read_text(path, MAX_LINE_MIB * MIB)
    opened = _find_format(path, forms, [(delimiter, *split_cells(lines, delimiter)) for delimiter in DELIMITERS])
    if encoding != WINDOWS:
        return opened
    return opened._replace(notes=(f"{path.name}: it is no text in UTF-8, and was read as {WINDOWS}",))


_JSON_FORMATS = (quantconnect.FORMAT, freqtrade.FORMAT)


def _open_json(path: Path, text: str) -> Opened:
    data = parse_json(path, text)
    for module in (quantconnect, freqtrade):
        rows = module.find_rows(data)
        if rows is not None:
            return Opened(module.FORMAT, rows, splits_at_comma=True)
    return Opened(alpaca.FORMAT, alpaca.find_rows(path, data), splits_at_comma=True)


def _find_format(
    path: Path, forms: Sequence[Format], tables: Sequence[tuple[str, list[CsvLine], str]], advice: str = CSV_ADVICE
) -> Opened:
    closest: tuple[int, Format, list[str]] | None = None
    faults: list[str] = []
    for delimiter, table, fault in tables:
        faults += [fault] if fault else []
        for place, line in enumerate(table):
            names = name_columns(line.cells)
            misses = [(form, _list_faults(form, names)) for form in forms]
            fitting = [form for form, missing in misses if not missing]
            if fitting and fault:
                raise GoldError(f"{path}: {fault}; mend it, or export the trade log anew")
            if fitting:
                form = max(fitting, key=lambda form: (len(form.required), len(names) - len(list_unread(form, names))))
                return Opened(form, build_rows(path, form, line, table[place + 1 :]), delimiter == ",")
            for form, missing in misses:
                found = len(form.required) - len(missing)
                if closest is None or found > closest[0]:
                    closest = found, form, missing
    raise GoldError(_explain_unknown(path, forms, closest, advice) + (f". And {faults[0]}" if faults else ""))


def _list_faults(form: Format, names: Sequence[str]) -> list[str]:
    """List what keeps a header from being this format's: columns that are missing, or a direction nobody reads."""
    missing = list_missing(form, names)
    if not missing and form.pairs and form.name != GENERIC:
        choices = {**form.required, **form.optional}.get("side", ())
        if not set(choices) & set(names):
            missing = [f"a reader of the column {name}" for name in list_unread(form, names) if name in DIRECTIONS]
    return missing


def _explain_unknown(
    path: Path, forms: Sequence[Format], closest: tuple[int, Format, list[str]] | None, advice: str
) -> str:
    if [form.name for form in forms] == [GENERIC]:
        named = ", ".join(closest[2]) if closest else "its columns"
        return f"{path}: no line is the header that the mapping describes. Columns it names and no line has: {named}"
    known = ", ".join(f"{form.name} ({form.describes})" for form in forms)
    message = f"{path}: no line is the header of a known format. Known: {known}"
    if closest is not None and closest[0]:
        found, form, missing = closest
        message += (
            f". The closest is {form.name}: {found} of its {len(form.required)} columns are there, missing: "
            f"{', '.join(missing)}"
        )
    return f"{message}. {advice}"
