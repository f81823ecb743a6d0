"""Holds the values of a run's controls against the shares with which they were declared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import binom

from designer_configs.compile.controls import Control
from verification.answers import Interval, Matrix

STARVED = 0.5  # of the declared share: less is a starved bucket, where chance does not explain it
CHANCE = 0.025  # one side of 95%, over all buckets of a control together
RESAMPLES = 1_000
SLACK = 1e-9  # of a tolerance, for what binary fractions round off
NO_BUCKET = "none of them"
DIGITS = 9  # significant ones by which rows are equal

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Declared:
    """A control with the shares its values are drawn with; even shares where `weights` is None.

    `values` is empty where the sampler has no list of them. `field` is the column of the rows that the control sets,
    None where it sets none, and `tolerance` how far a number may be from its value, in the field's unit.
    """

    name: str
    values: tuple[str | float, ...]
    weights: tuple[float, ...] | None = None
    field: str | None = None
    tolerance: float | None = None

    @property
    def shares(self) -> Matrix:
        """Shares of the values, which sum to 1."""
        weights = np.array(self.weights or [1.0] * len(self.values), dtype=np.float64)
        return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class Delivery:
    """Delivered against declared shares of one control.

    `variation` is the total variation, half the sum of the absolute differences, 0 to 1; `by_chance` is what 95% of
    the sets that are drawn as declared stay below. `delivered` are shares of all rows: values that nobody declared are
    in `undeclared`, and where there are any NO_BUCKET is the last of `values`. `starved` names the buckets with less
    than half their share, beyond chance. `measured` is "row" where the rows' own field was counted, and "asked"
    where a control sets no field, so that only what was asked for could be.
    """

    name: str
    measured: str
    values: tuple[str, ...]
    declared: tuple[float, ...]
    delivered: tuple[float, ...]
    undeclared: float
    variation: Interval
    by_chance: float
    starved: tuple[str, ...]


def find_measured(control: Declared, table: pl.DataFrame) -> str | None:
    """Tell whether a control is counted by the "row" or by what was "asked"; None where its columns are missing."""
    if control.field in table.columns and not isinstance(table.schema[control.field], pl.Datetime):
        return "row"
    return "asked" if control.name in table.columns else None


def compare_control(control: Declared, table: pl.DataFrame, rng: np.random.Generator) -> Delivery:
    """Compare rows, at least one, with the shares a control declares.

    The interval of the total variation is the percentile bootstrap's; `by_chance` draws what was declared. A bucket
    starves below STARVED of its share, when so few have a binomial chance below CHANCE over all the buckets.
    """
    column, measured = label_rows(control, table), find_measured(control, table)
    counts, declared = count_values(control.values, column), control.shares
    rows = len(column)
    wanted = np.append(declared, 0.0)
    variation = 0.5 * float(np.abs(counts / rows - wanted).sum())
    again, chance = (
        0.5 * np.abs(rng.multinomial(rows, shares, RESAMPLES) / rows - wanted).sum(axis=1)
        for shares in (counts / rows, wanted)
    )
    ends = np.quantile(again, (0.025, 0.975))
    is_rare = binom.cdf(counts[:-1], rows, declared) < CHANCE / len(declared)
    is_starved = is_rare & (counts[:-1] / rows < STARVED * declared)
    values = tuple(str(value) for value in control.values)
    shown = len(values) + bool(counts[-1])
    return Delivery(
        name=control.name,
        measured=measured or "",
        values=(*values, NO_BUCKET)[:shown],
        declared=tuple(wanted.tolist())[:shown],
        delivered=tuple((counts / rows).tolist())[:shown],
        undeclared=float(counts[-1] / rows),
        variation=Interval(variation, min(float(ends[0]), variation), max(float(ends[1]), variation)),
        by_chance=float(np.quantile(chance, 0.95)),
        starved=tuple(value for value, found in zip(values, is_starved, strict=True) if found),
    )


def label_rows(control: Declared, table: pl.DataFrame) -> pl.Series:
    """Return the declared value of each row by its own field, null for none; what was asked where it sets no field.

    A number within the tolerance of what was asked has that value, so that overlapping tolerances move nothing; others
    have the nearest one within the tolerance.
    """
    if find_measured(control, table) != "row":
        return table[control.name]
    own = table[str(control.field)]
    if control.tolerance is None or not own.dtype.is_numeric() or any(isinstance(each, str) for each in control.values):
        return own
    numbers = np.array([float(value) for value in control.values])
    apart = np.abs(own.cast(pl.Float64).to_numpy()[:, None] - numbers)
    is_near = apart <= control.tolerance * (1.0 + SLACK) + SLACK
    places = np.where(is_near.any(axis=1), np.where(is_near, apart, np.inf).argmin(axis=1), len(numbers))
    if control.name in table.columns:
        known = {normalise(value): place for place, value in reversed(list(enumerate(control.values)))}
        asked = np.array([known.get(normalise(value), len(numbers)) for value in table[control.name]])
        is_kept = np.column_stack([is_near, np.full(len(own), False)])[np.arange(len(own)), asked]
        places = np.where(is_kept, asked, places)
    return pl.Series(control.name, [*control.values, None], strict=False)[places]


def count_values(values: Sequence[str | float], column: pl.Series) -> Counts:
    """Count a column's rows per declared value, and last those of no declared value, nulls among them.

    Numbers are equal to DIGITS digits, whatever they are written as: 1, 1.0 and "1.0" are one value.
    """
    places = {normalise(value): place for place, value in reversed(list(enumerate(values)))}
    counts = np.zeros(len(values) + 1, dtype=np.int64)
    for value, count in column.alias("value").value_counts(name="count").rows():
        counts[places.get(normalise(value), len(values))] += count
    return counts


def normalise(value: Any) -> str:
    """Write a value so that equal ones are equal texts."""
    try:
        return str(value) if isinstance(value, bool) else f"{float(value):.{DIGITS}g}"
    except (TypeError, ValueError):
        return str(value)


def say_starved(starved: Sequence[str]) -> str:
    """Name the starved buckets."""
    return f"Less than half of what was declared came of: {', '.join(starved)}."


def declare_shares(control: Control) -> Declared:
    """Say with which shares a control draws its values, and which field it sets; no values where there are no shares.

    Only a category sampler has shares, and it has none where they depend on another column.
    """
    rule = control.check or control.match or {}
    field, tolerance = rule.get("field"), rule.get("tolerance")
    params = control.column.get("params", {})
    values, weights = params.get("values"), params.get("weights")
    is_fixed = control.column.get("sampler_type") == "category" and not control.column.get("conditional_params")
    if not is_fixed or not values or isinstance(values, Mapping):
        return Declared(control.name, (), field=field, tolerance=tolerance)
    drawn = [float(weight) for weight in weights] if weights else [1.0] * len(values)
    shares = tuple(weight / sum(drawn) for weight in drawn)
    return Declared(control.name, tuple(values), shares, field, tolerance)
