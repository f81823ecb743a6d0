"""The known sets, their laws, and the table of their verdicts."""

import numpy as np
import polars as pl
import pytest

from designer_configs.compile.controls import resolve_controls
from designer_configs.compile.profile import load_profile
from verification.trades.known_laws import MOMENTUM, REAL, TRAILING, read_real, simulate_momentum, simulate_trailing
from verification.trades.selftest import (
    KNOWN,
    PROFILE,
    Case,
    draw_parts,
    judge_sets,
    label_periods,
    list_misses,
    make_sets,
    obey_controls,
    tabulate_cases,
)
from verification.trades.validity import find_broken
from verification.trades.waiving import find_waived


@pytest.fixture(scope="module")
def pool() -> pl.DataFrame:
    """Give the trades of a simulated market."""
    return simulate_trailing(100)


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


def test_every_law_gives_trades_that_could_have_happened(pool: pl.DataFrame) -> None:
    laws = [simulate_momentum(100), pool, *([read_real(0)] if REAL.is_file() else [])]
    for law in laws:
        drawn = draw_parts(law, min(200, len(law) // 2), seed=0)[0]
        assert not find_broken(drawn).to_numpy().any()


def test_controls_get_what_they_ask_for(pool: pl.DataFrame) -> None:
    train, _, fresh = draw_parts(pool, 120, seed=1, spare=5)
    controls = resolve_controls(load_profile(PROFILE, {}), train)
    chosen = obey_controls(fresh, train, controls, 120, np.random.default_rng(0))
    assert chosen.height == chosen["trade_id"].n_unique() == 120
    assert set(chosen["session_date"]) <= set(train["session_date"])
    found = {each.feature for each in find_waived(controls, train, label_periods(chosen))}
    assert {"entry_volatility_percent", "entry_minute"} <= found


def test_every_known_set_is_made(pool: pl.DataFrame) -> None:
    train, holdout, fresh = draw_parts(pool, 120, seed=1)
    sets = make_sets(fresh, train, holdout, np.random.default_rng(0))
    assert list(KNOWN) == list(sets)
    assert {made.height for name, made in sets.items() if name not in ("half_the_losers", "worst_cut_off")} == {120}


def test_the_table_counts_and_marks_what_is_wrong() -> None:
    cases = [Case("fresh_draw", MOMENTUM, 400, seed, "good", {}) for seed in range(17)]
    cases += [
        Case("fresh_draw", MOMENTUM, 400, 17, "cannot tell", {}),
        Case("fresh_draw", MOMENTUM, 400, 18, "noise", {}),
    ]
    cases += [Case("exact_copies", TRAILING, 400, seed, "good", {}) for seed in range(2)]
    table = tabulate_cases(cases)
    assert "| good | 17 of 19 (67% to 99%), 1 noise |  | 1 of 19 |" in table
    assert "| overfit (copies) |  | **0 of 2 (0% to 84%), 2 good** | 0 of 2 |" in table
    assert [case.name for case in list_misses(cases)] == ["fresh_draw", "exact_copies", "exact_copies"]


@pytest.mark.slow  # `make verify-selftest` asks the same of many
def test_the_verdict_is_right_on_one_gold() -> None:
    cases = judge_sets(TRAILING, pl.concat(map(simulate_trailing, range(8))), 400, seed=5)
    assert len(list_misses(cases)) <= 0.1 * len(cases)
