"""The known sets and the table of their verdicts."""

import numpy as np
import polars as pl
import pytest

from verification.trades.questions import make_yardstick
from verification.trades.selftest import (
    KNOWN,
    Case,
    draw_parts,
    judge_sets,
    list_misses,
    make_sets,
    simulate_pool,
    tabulate_cases,
)


@pytest.fixture(scope="module")
def pool() -> pl.DataFrame:
    """Give the trades of a simulated market."""
    return simulate_pool(100)


def test_parts_share_no_session_and_have_the_sizes_asked(pool: pl.DataFrame) -> None:
    train, holdout, fresh = draw_parts(pool, 200, seed=1)
    assert (train.height + holdout.height, fresh.height) == (200, 200)
    days = [set(part["session_date"]) for part in (train, holdout, fresh)]
    assert not days[0] & days[1]
    assert not (days[0] | days[1]) & days[2]
    assert train["entry_time"].dt.date().to_list() == train["session_date"].to_list()


def test_the_same_seed_draws_the_same_parts(pool: pl.DataFrame) -> None:
    assert draw_parts(pool, 100, seed=3)[2].equals(draw_parts(pool, 100, seed=3)[2])
    assert not draw_parts(pool, 100, seed=3)[2].equals(draw_parts(pool, 100, seed=4)[2])


def test_every_known_set_is_made(pool: pl.DataFrame) -> None:
    train, holdout, fresh = draw_parts(pool, 120, seed=1)
    sets = make_sets(make_yardstick(train, holdout, 120, 0), fresh, np.random.default_rng(0))
    assert set(KNOWN) == set(sets)
    assert {made.height for name, made in sets.items() if name not in ("half_the_losers", "worst_cut_off")} == {120}


def test_the_table_counts_and_marks_what_is_wrong() -> None:
    cases = [Case("fresh_draw", 400, seed, "good", {}) for seed in range(19)]
    cases += [Case("fresh_draw", 400, 19, "noise", {})]
    cases += [Case("exact_copies", 400, seed, "good", {}) for seed in range(2)]
    table = tabulate_cases(cases)
    assert "| good or cannot tell | 19 good, 1 noise (right: 75% to 100%) |" in table
    assert "| overfit (copies) | **2 good** (right: 0% to 84%) |" in table
    assert [case.name for case in list_misses(cases)] == ["fresh_draw", "exact_copies", "exact_copies"]


@pytest.mark.slow  # `make verify-selftest` asks the same of many
def test_the_verdict_is_right_on_one_gold(pool: pl.DataFrame) -> None:
    cases = judge_sets(pl.concat([pool, simulate_pool(101)]), 400, seed=5)
    assert [case.name for case in cases] == list(KNOWN)
    assert list_misses(cases) == []
