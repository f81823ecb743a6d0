"""The numbers of a comparison, against formulas typed in here and draws of known truth."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.answers import Interval
from verification.compare.measures import compare_scores, compare_shares, judge


def bound_wilson(count: int, total: int, z: float) -> tuple[float, float]:
    share = count / total
    centre = (share + z * z / 2 / total) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / 4 / total / total)
    return centre - half, centre + half


@given(st.integers(0, 40), st.integers(0, 60))
def test_difference_of_shares_is_newcombes(first: int, second: int) -> None:
    z = 1.959963984540054
    low1, high1 = bound_wilson(first, 40, z)
    low2, high2 = bound_wilson(second, 60, z)
    gap = second / 60 - first / 40
    measured = compare_shares("accepted", (first, 40), (second, 60), 0.95).difference
    assert measured.value == pytest.approx(gap)
    assert measured.low == pytest.approx(gap - math.hypot(second / 60 - low2, high1 - first / 40))
    assert measured.high == pytest.approx(gap + math.hypot(high2 - second / 60, first / 40 - low1))


def test_difference_of_means_is_welchs() -> None:
    first, second = np.array([4.0, 5, 5, 3, 4]), np.array([3.0, 2, 3, 4])
    error = math.sqrt(first.var(ddof=1) / 5 + second.var(ddof=1) / 4)
    measured = compare_scores("realism", pl.Series(first), pl.Series(second), 0.95)
    assert measured.difference.value == pytest.approx(-1.2)
    assert -1.2 - 3 * error < measured.difference.low < -1.2 - 1.9 * error
    assert measured.judgement == judge(measured.difference)


def test_scores_that_never_vary_differ_for_certain() -> None:
    measured = compare_scores("realism", pl.Series([5, 5, 5]), pl.Series([4, 4]), 0.95)
    assert (measured.difference, measured.judgement) == (Interval(-1.0, -1.0, -1.0), "worse")


def test_chance_alone_is_told_as_a_difference_in_few_cases() -> None:
    draw = np.random.default_rng(7)
    told = 0
    for _ in range(400):
        counts = draw.binomial(200, 0.8, 2)
        told += compare_shares("x", (counts[0], 200), (counts[1], 200), 0.95).judgement != "cannot be told"
    assert told / 400 < 0.08


def test_a_true_difference_is_told() -> None:
    draw = np.random.default_rng(7)
    counts = draw.binomial(400, [0.9, 0.6])
    assert compare_shares("x", (counts[0], 400), (counts[1], 400), 0.99).judgement == "worse"
