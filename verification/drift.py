"""Have rows changed? Reference 001's rule, exactly, and beside it the one we trust.

1. `read_table`       rows of a file, a gold folder or a run
2. `take_numbers`     the columns that are compared, as numbers; of trades the features, for prices are the ticker's
3. `judge_by_moments` reference 001: mean shift in reference deviations, ratio of volatilities
4. `judge_by_tests`   ours: Kolmogorov-Smirnov per column and a classifier, Holm over all of them at 5%

The old rule judges means and deviations, whatever the number of rows: it sees no change of shape, and calls an
unchanged law Critical where a few heavy tails carry the deviation. docs/drift.md has the numbers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from scipy.stats import ks_2samp, norm

from gold_data.errors import GoldError
from gold_data.folder import TRADES, TRAIN
from gold_data.tables import read_frame
from verification.answers import to_json
from verification.errors import VerificationError
from verification.trades.classifier import WIDTH, cross_fit, measure_auc
from verification.trades.features import PERCENTS, measure_features
from verification.trades.mere_tables import read_time

Health = Literal["Healthy", "Degraded", "Critical", "cannot tell"]
Found = Literal["drift", "no drift", "cannot tell"]

HEALTHY: Literal["Healthy"] = "Healthy"
DEGRADED: Literal["Degraded"] = "Degraded"
CRITICAL: Literal["Critical"] = "Critical"
CANNOT_TELL: Literal["cannot tell"] = "cannot tell"
DRIFT: Literal["drift"] = "drift"
SAME: Literal["no drift"] = "no drift"
LEAST_ROWS = 20  # a side
LEVEL = 0.05  # chance that ours fires on an unchanged law, over all its tests together
SHIFTED, SHIFTED_FAR = 1.0, 2.0  # reference deviations
CALM, STILL, RESTLESS, WILD = 0.6, 0.4, 1.5, 2.5  # ratios of volatilities
TRADE_COLUMNS = (*PERCENTS, "entry_time", "exit_time", "trade_type")
BOOKKEEPING = ("round", "refine_passes", "undone_edits", "requests", "prompt_tokens", "completion_tokens", "variation")
CLASSIFIER, RETURNS, CLOSE = "classifier", "trade_percent_change", "close"


def read_table(path: Path) -> pl.DataFrame:
    """Read the rows of a CSV or Parquet file, of a gold folder, or of a run (those that it accepted).

    Raises:
        VerificationError: there are none.
    """
    inside = next((path / name for name in ("accepted.parquet", TRADES, TRAIN) if (path / name).is_file()), path)
    try:
        table = read_frame(inside, "rows")
    except GoldError as exc:
        raise VerificationError(f"{exc}; a gold folder or a run's will do, too") from exc
    if table.is_empty():
        raise VerificationError(f"{inside} has no rows")
    return table


def take_numbers(table: pl.DataFrame) -> pl.DataFrame:
    """Take the columns of a table that hold numbers, as Float64; of trades the features by which they are compared.

    Text is taken where every value is a number, truth as 1 and 0. Nulls stay null.
    """
    if set(TRADE_COLUMNS) <= set(table.columns):
        return _measure_trades(table)
    kept = {}
    for name in table.columns:
        column = table[name]
        if column.dtype == pl.String:
            column = column.str.strip_chars().replace("", None)
        elif not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            continue
        numbers = column.cast(pl.Float64, strict=False)
        if numbers.null_count() == column.null_count() < len(column) and name not in BOOKKEEPING:
            kept[name] = numbers.set(~numbers.is_finite(), None)
    return pl.DataFrame(kept)


def _measure_trades(table: pl.DataFrame) -> pl.DataFrame:
    times = ("entry_time", "exit_time")
    blank = [pl.lit(None, pl.String).alias(name) for name in ("trade_id", "session_date") if name not in table.columns]
    percents = pl.col(PERCENTS).cast(pl.Float64, strict=False)
    zoned = table.with_columns(*(read_time(table, name) for name in times), *blank, percents)
    if any(zoned[name].null_count() for name in times):
        return take_numbers(table.drop(times))  # clocks without a date have no minutes between them that could be told
    return measure_features(zoned).drop("trade_id", "session_date")


def compare_tables(reference: pl.DataFrame, current: pl.DataFrame, seed: int = 0) -> dict[str, Any]:
    """Compare two tables by both rules, as plain data: columns in common, what each rule says, and of what.

    Raises:
        VerificationError: no column of numbers is in both.
    """
    left, right = take_numbers(reference), take_numbers(current)
    names = [name for name in left.columns if name in right.columns]
    if not names:
        said = f"{', '.join(left.columns) or 'none'} and {', '.join(right.columns) or 'none'}"
        raise VerificationError(f"no column of numbers is in both; they have {said}: name tables of one kind")
    left, right = left.select(names), right.select(names)
    return {
        "rows": {"reference": left.height, "current": right.height},
        "columns": names,
        "not_compared": sorted({*take_numbers(reference).columns, *take_numbers(current).columns} - set(names)),
        "ours": judge_by_tests(left, right, seed),
        "reference_001": judge_by_moments(left, right),
    }


def judge_by_moments(reference: pl.DataFrame, current: pl.DataFrame) -> dict[str, Any]:
    """Judge as reference 001 does.

    score = mean over columns of |mean(current) - mean(reference)| / sd(reference); volatility ratio = sd(current) /
    sd(reference) of returns: of one row's `close` to the next where there is one, of `trade_percent_change` in trades;
    without either the mean over columns of that ratio. Deviations with n - 1. Healthy: score < 1 and ratio in
    [0.6, 1.5]; Critical: score > 2, or ratio > 2.5 or < 0.4; else Degraded. Cannot tell: fewer than 20 rows on a side,
    or a column that does not vary on either: the formula divides by the reference's deviation.
    """
    few = min(reference.height, current.height) < LEAST_ROWS
    spreads = {name: _spread(reference[name]) for name in reference.columns}
    still = [name for name, spread in spreads.items() if not (spread > 0.0 and _spread(current[name]) > 0.0)]
    if few or still:
        why = f"fewer than {LEAST_ROWS} rows" if few else f"does not vary: {', '.join(still)}"
        return {"health": CANNOT_TELL, "score": None, "volatility_ratio": None, "why": why}
    shifts = [abs(_mean(current[n]) - _mean(reference[n])) / spread for n, spread in spreads.items()]
    score, ratio = float(np.mean(shifts)), measure_volatility(reference, current, spreads)
    return {"health": name_health(score, ratio), "score": score, "volatility_ratio": ratio, "why": None}


def measure_volatility(reference: pl.DataFrame, current: pl.DataFrame, spreads: Mapping[str, float]) -> float:
    """Measure the current volatility over the reference's, of returns where the tables have them."""
    if RETURNS in spreads:
        return _spread(current[RETURNS]) / spreads[RETURNS]
    if CLOSE in spreads:
        before, now = (_spread(side[CLOSE].drop_nulls().pct_change()) for side in (reference, current))
        return now / before if before > 0 else float("inf")
    return float(np.mean([_spread(current[name]) / spread for name, spread in spreads.items()]))


def name_health(score: float, ratio: float) -> Health:
    """Name what reference 001 makes of a score and a ratio of volatilities."""
    if score > SHIFTED_FAR or ratio > WILD or ratio < STILL:
        return CRITICAL
    return HEALTHY if score < SHIFTED and CALM <= ratio <= RESTLESS else DEGRADED


def judge_by_tests(reference: pl.DataFrame, current: pl.DataFrame, seed: int = 0) -> dict[str, Any]:
    """Judge by a Kolmogorov-Smirnov test per column and a classifier's AUC, all of them one family (Holm) at 5%.

    Rows are taken as independent. A column cannot be told that has fewer than 20 values on a side, or one value only
    on either; where nothing fires and there is such a column, neither can the whole.
    """
    tests, silent = list[dict[str, Any]](), list[str]()
    for name in reference.columns:
        left, right = (side[name].drop_nulls().to_numpy() for side in (reference, current))
        if min(len(left), len(right)) < LEAST_ROWS or min(len(np.unique(left)), len(np.unique(right))) < 2:
            silent.append(name)
            continue
        found = ks_2samp(left, right, method="asymp")
        tests.append({"column": name, "statistic": float(found.statistic), "p": float(found.pvalue)})
    told = [test["column"] for test in tests]
    auc = measure_classifier(reference.select(told), current.select(told), seed) if len(told) > 1 else None
    tests += [auc] if auc is not None else []
    for test, fires in zip(tests, reject_by_holm([test["p"] for test in tests]), strict=True):
        test["fires"] = fires
    fired = [test["column"] for test in tests if test["fires"]]
    verdict: Found = DRIFT if fired else CANNOT_TELL if silent or not tests else SAME
    return {"verdict": verdict, "fired": fired, "tests": to_json(tests), "cannot_tell": silent, "level": LEVEL}


def measure_classifier(reference: pl.DataFrame, current: pl.DataFrame, seed: int) -> dict[str, Any] | None:
    """Test whether a classifier tells rows apart that it was not trained on: its AUC above a half, one-sided."""
    left, right = (side.drop_nulls().to_numpy() for side in (reference, current))
    rng = np.random.default_rng([seed, *b"drift"])
    groups = np.arange(len(left)), len(left) + np.arange(len(right))
    fitted = cross_fit(left, right, *groups, rng)
    if fitted is None:
        return None
    area = measure_auc(fitted.left, fitted.right, *groups)
    error = (area.value - area.low) / WIDTH
    chance = float(norm.sf((area.value - 0.5) / error)) if error > 0 else float(area.value <= 0.5)
    return {"column": CLASSIFIER, "statistic": area.value, "p": chance}


def reject_by_holm(chances: Sequence[float]) -> list[bool]:
    """Tell which tests of a family fire at LEVEL together (S. Holm, 1979)."""
    fires = [False] * len(chances)
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda place: chances[place])):
        if chances[place] > LEVEL / (len(chances) - rank):
            break
        fires[place] = True
    return fires


def fails(found: Mapping[str, Any], fail_on: str) -> bool:
    """Tell whether what was found is what a command should fail on: drift (ours), degraded or critical (001's)."""
    health = found["reference_001"]["health"]
    bad = {"degraded": (DEGRADED, CRITICAL), "critical": (CRITICAL,)}
    return found["ours"]["verdict"] == DRIFT if fail_on == "drift" else health in bad[fail_on]


def _mean(values: pl.Series) -> float:
    return float(np.mean(values.drop_nulls().to_numpy()))


def _spread(values: pl.Series) -> float:
    there = values.drop_nulls().to_numpy()
    return float(np.std(there, ddof=1)) if len(there) > 1 and np.ptp(there) > 0 else 0.0
