"""Reads JSON logs: one list of records, one record a line, or one object that holds them somewhere."""

import json
from pathlib import Path
from typing import Any

from gold_data.errors import GoldError

Record = dict[str, Any]


def parse_json(path: Path, text: str) -> Any:
    """Parse JSON; one record a line counts as a list. Numbers stay text, so that none is rounded.

    Raises:
        GoldError: it is neither.
    """
    try:
        return _parse(text)
    except (ValueError, RecursionError) as exc:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
            return [_parse_line(path, number, line) for number, line in enumerate(lines, start=1)]
        raise GoldError(f"{path} begins as JSON does but cannot be read as such ({exc})") from exc


def _parse_line(path: Path, number: int, line: str) -> Any:
    try:
        return _parse(line)
    except (ValueError, RecursionError) as exc:
        raise GoldError(f"{path}: line {number} begins as JSON does but cannot be read as such ({exc})") from exc


def _parse(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def fold_keys(record: Record) -> Record:
    """Give a record with its keys in lower case; of two that then are equal, the first is kept."""
    return {key.casefold(): value for key, value in reversed(record.items())}


def take_texts(record: Record) -> dict[str, str]:
    """Give a record's texts and truth values as text, stripped; what is nested or missing is left out."""
    texts = {key: str(value) for key, value in record.items() if isinstance(value, str | bool)}
    return {key: value.strip() for key, value in texts.items()}
