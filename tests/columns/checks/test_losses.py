"""Losses that hang on what a control asked are told from those that do not."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency

from columns.checks.losses import NOT_NEEDED, RESAMPLES, UNTRIED, count_losses, measure_chance, say_uneven
from jobs.job import NOT_FINISHED

PERIODS = ("open", "midday", "close")


def make_run(lost_of: dict[str, int], rows: int = 60, reason: str = "x") -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Make a run whose rows are spread evenly over periods, of which some lose their first rows."""
    names = [PERIODS[at % 3] for at in range(rows)]
    gone = [at // 3 < lost_of.get(name, 0) for at, name in enumerate(names)]
    ledger = {
        "row_id": [str(at) for at in range(rows)],
        "status": ["failed" if lost else "accepted" for lost in gone],
        "reason": [reason if lost else None for lost in gone],
    }
    plan = {
        "row_id": ledger["row_id"],
        "session_period": names,
        "size": [float(at) for at in range(rows)],
        "mixed": [at * 37 % 61 for at in range(rows)],
    }
    return pl.LazyFrame(ledger), pl.LazyFrame(plan)


def test_habit_that_loses_one_value_is_said() -> None:
    losses = count_losses(*make_run({"open": 20}), ["session_period", "mixed", "not_there"])
    assert [each.control for each in losses] == ["session_period", "mixed"]
    assert losses[0].values == ("close", "midday", "open")
    assert losses[0].lost == (0, 0, 20)
    (said,) = say_uneven(losses)
    assert said.startswith("losses are uneven over session_period: 20 of 20 at open, 0 of 20 at close")


def test_even_losses_and_few_ones_are_not_said() -> None:
    for lost in ({"open": 7, "midday": 6, "close": 7}, {"open": 4}, {}):
        assert not list(say_uneven(count_losses(*make_run(lost), ["session_period", "mixed"])))


@pytest.mark.parametrize("reason", [f"[a] b ({NOT_NEEDED})", "not finished: the cap run.max_tokens was reached"])
def test_row_that_was_never_tried_is_no_loss(reason: str) -> None:
    (losses,) = count_losses(*make_run({"open": 20}, reason=reason), ["session_period"])
    assert (sum(losses.lost), losses.chance) == (0, 1.0)


def test_numbers_of_many_values_are_put_into_parts() -> None:
    ledger, plan = make_run({})
    early = ledger.with_columns(
        status=pl.when(pl.col("row_id").cast(pl.Int64) < 15).then(pl.lit("failed")).otherwise("status")
    )
    (losses,) = count_losses(early, plan, ["size"])
    assert (len(losses.values), sorted(losses.lost)) == (4, [0, 0, 0, 15])
    assert losses.is_uneven


@pytest.mark.parametrize("lost", [(30, 18, 16), (27, 20, 16), (40, 10, 10)])
def test_chance_is_near_that_of_the_chi_square_distribution(lost: tuple[int, ...]) -> None:
    candidates, gone = np.full(3, 100), np.array(lost)
    known = chi2_contingency(np.array([gone, candidates - gone])).pvalue
    assert measure_chance(candidates, gone) == pytest.approx(known, abs=0.015 + 1 / RESAMPLES)


def test_words_for_what_was_never_tried_are_the_loops() -> None:
    assert (NOT_NEEDED, NOT_FINISHED) == UNTRIED
