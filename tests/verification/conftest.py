"""Gold that the tests of verification share: the sample's trades."""

import polars as pl
import pytest

from gold_data.sample.build import SAMPLE
from gold_data.trades.ingest import read_gold


@pytest.fixture(scope="session")
def gold() -> pl.DataFrame:
    """Give the sample's trades as a trade table."""
    return read_gold(SAMPLE / "trades.csv", None).rows
