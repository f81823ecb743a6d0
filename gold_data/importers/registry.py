"""The formats that can be imported, and how a file's own format is found by its header."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gold_data.errors import GoldError
from gold_data.importers import alpaca, gold_table, interactive_brokers, ninjatrader, platform_summary, thinkorswim
from gold_data.importers.base import ImportedFile
from gold_data.importers.files import MAX_FILE_MIB, MAX_LINE_MIB, MIB, begins_as_json, read_lines
from gold_data.importers.formats import (
    DELIMITERS,
    Format,
    build_rows,
    digest_rows,
    find_texts,
    list_missing,
    name_columns,
    split_cells,
)
from gold_data.importers.generic import build_format, read_mapping
from gold_data.importers.moments import find_date_order, load_zone
from gold_data.importers.numerals import find_mark
from gold_data.importers.rows import Row, Style

AUTO = "auto"
GENERIC = "generic"

FORMATS: Mapping[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (thinkorswim, ninjatrader, interactive_brokers, alpaca, platform_summary, gold_table)
}
FORMAT_NAMES = (AUTO, *FORMATS, GENERIC)


def detect_format(path: Path) -> str:
    """Tell a file's format by its header, or the keys of its records.

    Raises:
        GoldError: the file cannot be read, or no format fits; names the formats and what the closest one misses.
    """
    return _open_rows(path, list(FORMATS.values()))[0].name


def import_file(path: Path, format: str = AUTO, zone: str | None = None, mapping: Path | None = None) -> ImportedFile:
    """Import a trade log: round trips, and an account of every row that did not become one.

    Args:
        path: The file as the platform exported it.
        format: One of `FORMAT_NAMES`.
        zone: Zone of the times that have no offset; the format's own where none is given.
        mapping: Column mapping (YAML) of the format generic; with `auto`, that format is taken.

    Raises:
        GoldError: the file or the mapping cannot be read, the format does not fit, numbers or dates are ambiguous, or
            there is no data row.
    """
    forms = _choose_formats(format, mapping)
    if zone is not None:
        load_zone(zone)
    form, rows, splits_at_comma = _open_rows(path, forms)
    if not rows:
        raise GoldError(f"{path}: this is a log of {form.describes}, but it holds no rows; export one with trades")
    numbers = find_texts(rows, [(name,) for name in form.numbers])
    style = Style(
        mark=form.mark or find_mark(str(path), numbers, splits_at_comma=splits_at_comma),
        order=find_date_order(str(path), find_texts(rows, form.moments), form.order),
        zone=load_zone(zone or form.zone),
    )
    notes = [f"{path.name}: {form.name}, {form.describes}; times without an offset were read as {zone or form.zone}"]
    if form.zone_note and zone is None:
        notes.append(f"{path.name}: {form.zone_note}")
    if form.order and style.order != form.order:
        notes.append(f"{path.name}: dates have the day first, which is not usual in this format")
    return digest_rows(form, rows, style, notes)


def _choose_formats(name: str, mapping: Path | None) -> list[Format]:
    if name not in FORMAT_NAMES:
        raise GoldError(f"the format {name!r} is unknown; choose one of {', '.join(FORMAT_NAMES)}")
    if name == GENERIC or (name == AUTO and mapping is not None):
        if mapping is None:
            raise GoldError("the format generic needs a mapping of its columns; give one as YAML")
        return [build_format(read_mapping(mapping))]
    if mapping is not None:
        raise GoldError(f"the format {name} knows its columns; give a mapping only with the format generic")
    return list(FORMATS.values()) if name == AUTO else [FORMATS[name]]


def _open_rows(path: Path, forms: Sequence[Format]) -> tuple[Format, list[Row], bool]:
    """Find the format of a file among some, and give its data rows, and whether commas separate columns."""
    is_json = alpaca.FORMAT in forms and begins_as_json(path)
    lines = read_lines(path, MAX_FILE_MIB * MIB if is_json else MAX_LINE_MIB * MIB)
    if is_json:
        return alpaca.FORMAT, alpaca.read_records(path, "".join(lines)), True
    closest: tuple[int, Format, list[str]] | None = None
    faults: list[str] = []
    for delimiter in DELIMITERS:
        table, fault = split_cells(lines, delimiter)
        faults += [fault] if fault else []
        for place, line in enumerate(table):
            names = name_columns(line.cells)
            for form in forms:
                missing = list_missing(form, names)
                if not missing and fault:
                    raise GoldError(f"{path}: {fault}; mend it, or export the trade log anew")
                if not missing:
                    return form, build_rows(path, form, line, table[place + 1 :]), delimiter == ","
                found = len(form.required) - len(missing)
                if closest is None or found > closest[0]:
                    closest = found, form, missing
    raise GoldError(_explain_unknown(path, forms, closest) + (f". And {faults[0]}" if faults else ""))


def _explain_unknown(path: Path, forms: Sequence[Format], closest: tuple[int, Format, list[str]] | None) -> str:
    known = ", ".join(f"{form.name} ({form.describes})" for form in forms)
    message = f"{path}: no line is the header of a known format. Known: {known}"
    if closest is not None and closest[0]:
        found, form, missing = closest
        message += (
            f". The closest is {form.name}: {found} of its {len(form.required)} columns are there, missing: "
            f"{', '.join(missing)}"
        )
    return message + ". Other CSV files are read as generic, with a mapping of their columns"
