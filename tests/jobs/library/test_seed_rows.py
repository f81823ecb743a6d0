"""Seed rows are those of their file, whatever its path is made of and whatever lies beside it."""

from pathlib import Path

import polars as pl
import pytest
from data_designer.config.seed_source import LocalFileSeedSource
from data_designer.engine.secret_resolver import PlaintextResolver

from jobs.library.seed_rows import SeedRowsReader

NAMES = ("Ann's", "a*b", "**", "[x]", "a?b", "a'[*?\\", "a:b", "new\nline", 'x"; DROP TABLE seed_rows; --')


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_any_path(tmp_path: Path, name: str) -> None:
    for folder, values in (("x", [9, 9, 9]), ("axb", [9]), (name, [1, 2])):
        (tmp_path / folder).mkdir(exist_ok=True)
        with (tmp_path / folder / "s.parquet").open("wb") as file:
            pl.DataFrame({"a": values, "none": [None] * len(values), "list": [["t"]] * len(values)}).write_parquet(file)
    reader = SeedRowsReader()
    reader.attach(LocalFileSeedSource(path=str(tmp_path / name / "s.parquet")), PlaintextResolver())
    assert (reader.get_seed_dataset_size(), reader.get_column_names()) == (2, ["a", "none", "list"])
    rows = reader.create_batch_reader(batch_size=10, index_range=None, shuffle=False).read_next_batch().to_pandas()
    assert rows["a"].tolist() == [1, 2]
