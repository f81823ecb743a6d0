"""The rows of one seed, held against those of the last commit that meant to change them.

Moving the rooms changed none. Prompts that say what is constant first, answers read by ourselves and price paths that
hold the entry's price did: docs/architecture names each.

`python -m tests.golden.test_golden RUN_FOLDER` writes the digests anew, where a change of the rows is meant.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

DIGESTS = Path(__file__).with_name("offline_60_seed_7.json")
TABLES = ("rounds/001/plan", "rounds/002/plan", "ledger", "accepted", "rejected", "bars")
DIGITS = 12  # significant ones; what lies beyond hangs on the processor


def digest_column(values: pl.Series) -> str:
    """Hash a column's values, of floats the first DIGITS digits."""
    plain = values.to_list()
    if values.dtype.is_float():
        plain = [None if value is None else f"{value:.{DIGITS}g}" for value in plain]
    return hashlib.sha256(json.dumps(plain, default=str).encode()).hexdigest()[:16]


def digest_run(folder: Path) -> dict[str, dict[str, Any]]:
    """Hash a run's tables column by column, and count their rows."""
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    return {
        name: {"rows": table.height, "columns": {column: digest_column(table[column]) for column in table.columns}}
        for name, table in tables.items()
    }


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_those_of_the_golden_run(run_folder: Path, table: str) -> None:
    golden = json.loads(DIGESTS.read_text(encoding="utf-8"))[table]
    found = digest_run(run_folder)[table]
    assert found["rows"] == golden["rows"]
    assert sorted(found["columns"]) == sorted(golden["columns"])
    assert {name for name, digest in golden["columns"].items() if found["columns"][name] != digest} == set()


if __name__ == "__main__":
    DIGESTS.write_text(json.dumps(digest_run(Path(sys.argv[1])), indent=1) + "\n", encoding="utf-8")
