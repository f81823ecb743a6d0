"""Builds the sample gold anew: `python -m gold_data.sample.build`; `--check` only compares it with what is there."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from gold_data.errors import GoldError
from gold_data.sample.card import write_card
from gold_data.sample.market import simulate_market
from gold_data.sample.trader import simulate_trades
from gold_data.store import Gold
from gold_data.trades.ingest import read_gold

SEED = 20241001
SAMPLE = Path(__file__).parent
TRADES, BARS, CARD = "trades.csv", "bars.parquet", "DATA_CARD.md"


def build_sample(folder: Path) -> Gold:
    """Build the three files of the sample in a folder that exists, and read them back as gold."""
    rng = np.random.default_rng(SEED)
    market = simulate_market(rng)
    write_bars(market.bars, folder / BARS)
    trades = simulate_trades(rng, market)
    trades.write_csv(folder / TRADES, datetime_format="%Y-%m-%dT%H:%M:%S%:z")
    (folder / CARD).write_text(write_card(trades, market.bars, SEED), encoding="utf-8")
    return read_gold(folder / TRADES, folder / BARS)


def compare_sample(folder: Path) -> list[str]:
    """Name the files of a sample that do not hold the values they should; their bytes depend on the libraries."""
    try:
        found = read_gold(folder / TRADES, folder / BARS)
    except GoldError as exc:
        return [str(exc)]
    with TemporaryDirectory() as fresh:
        wanted = build_sample(Path(fresh))
        card = (Path(fresh) / CARD).read_text(encoding="utf-8")
    tables = {TRADES: (found.rows, wanted.rows), BARS: (found.bars, wanted.bars)}
    differences = [name for name, (left, right) in tables.items() if not _is_same(left, right)]
    written = (folder / CARD).read_text(encoding="utf-8") if (folder / CARD).is_file() else ""
    return differences if written == card else [*differences, CARD]


def _is_same(left: pl.DataFrame | None, right: pl.DataFrame | None) -> bool:
    assert left is not None
    assert right is not None
    try:
        assert_frame_equal(left, right, rel_tol=1e-12)
    except AssertionError:
        return False
    return True


def write_bars(bars: pl.DataFrame, path: Path) -> None:
    """Write bars as small as they can be."""
    # One row group per ticker, whose prices are few enough for a dictionary: half the size of polars' own choice.
    bars.write_parquet(
        path,
        compression="zstd",
        compression_level=22,
        row_group_size=bars.height // bars["ticker"].n_unique(),
        use_pyarrow=True,
        pyarrow_options={
            "use_dictionary": [name for name in bars.columns if name != "timestamp"],
            "column_encoding": {"timestamp": "DELTA_BINARY_PACKED"},
        },
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the sample, or with `--check` compare it: 1 where it differs."""
    parser = argparse.ArgumentParser(prog="python -m gold_data.sample.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is there, write nothing")
    if not parser.parse_args(arguments).check:
        gold = build_sample(SAMPLE)
        print(f"{SAMPLE}: {gold.rows.height} trades, {gold.rejected.height} rejected")
        return 0
    differences = compare_sample(SAMPLE)
    if differences:
        print(
            f"The sample is not what its script makes: {'; '.join(differences)}. Run `python -m gold_data.sample.build`"
        )
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())
