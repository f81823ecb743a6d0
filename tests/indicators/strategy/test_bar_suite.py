"""What the suite can tell apart: mutants, twins, clauses that never matter."""

import random
from collections import Counter
from typing import Any

import pytest

from indicators.strategy.bar_suite import (
    VOLATILITIES,
    find_dead_clauses,
    find_difference,
    hash_behaviour,
    load_suite,
)
from indicators.strategy.canonical import write_text
from indicators.strategy.grammar import check_document
from indicators.strategy.mutants import Mutant, find_survivors, list_mutants, main, survey
from indicators.strategy.sampler import draw_strategy
from indicators.strategy.tree import Document

CROSS: dict[str, Any] = {"cross_over": [{"CLOSE": {}}, {"SMA": {"length": 20}}]}
PLAIN: dict[str, Any] = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": CROSS,
    "sell_condition": {"cross_under": [{"CLOSE": {}}, {"SMA": {"length": 20}}]},
}


def test_the_suite_is_the_sample_and_six_walks_and_the_same_each_time() -> None:
    suite = load_suite()
    assert len(suite) == 8 + len(VOLATILITIES)
    assert [len(bars) for bars in suite] == [1_170] * 8 + [1_000] * 6
    load_suite.cache_clear()
    again = load_suite()
    assert all((one.prices.close == other.prices.close).all() for one, other in zip(suite, again, strict=True))


def test_another_way_to_say_it_is_a_twin() -> None:
    other = {
        **PLAIN,
        "buy_condition": {"cross_under": [{"SMA": {"length": 20, "offset": 0}}, {"CLOSE": {}}]},
        "ticker": "BA",
    }
    prior = {**PLAIN, "buy_condition": {"greater": [{"CLOSE": {}}, {"PRIOR_HIGH": {"length": 10}}]}}
    channel = {**PLAIN, "buy_condition": {"greater": [{"CLOSE": {}}, {"DC_UPPER": {"length": 10, "offset": 1}}]}}
    for one, twin in ((PLAIN, other), (prior, channel)):
        assert hash_behaviour(one, load_suite()) == hash_behaviour(twin, load_suite())
        assert find_difference(one, twin, load_suite()) is None


def test_the_first_differing_trade_is_named() -> None:
    stopped = {**PLAIN, "stop_loss": {"percent": 1}}
    difference = find_difference(PLAIN, stopped, load_suite())
    assert difference is not None
    assert difference.one is not None
    assert difference.other is not None
    assert (difference.one.reason, difference.other.reason) == ("signal", "stop")
    assert difference.one.entry_bar == difference.other.entry_bar
    assert hash_behaviour(PLAIN, load_suite()) != hash_behaviour(stopped, load_suite())


def test_money_and_dates_are_no_part_of_behaviour() -> None:
    rich = {**PLAIN, "initial_capital": 5, "order_size": {"usd": 2}, "start_date": "2050-01-01"}
    assert hash_behaviour(PLAIN, load_suite()) == hash_behaviour(rich, load_suite())


def test_a_clause_that_never_matters_is_dead() -> None:
    always = {"greater": [{"VOLUME": {}}, 0.001]}
    document = {**PLAIN, "buy_condition": {"all": [CROSS, always]}}
    assert list(find_dead_clauses(document, load_suite())) == [("buy_condition", "all", 1)]
    assert list(find_dead_clauses(PLAIN, load_suite())) == []


def test_a_group_that_never_matters_is_dead_though_each_of_its_clauses_matters() -> None:
    never = {"all": [{"greater": [{"RSI": {}}, 70]}, {"less": [{"RSI": {"source": "HLC3"}}, 20]}]}
    document = {**PLAIN, "buy_condition": {"any": [CROSS, never]}}
    assert list(find_dead_clauses(document, load_suite())) == [("buy_condition", "any", 1)]


def test_a_clause_within_after_is_taken_out_with_it() -> None:
    after = {"after": {"condition": {"less": [{"RSI": {}}, 40]}, "bars": 2}}
    assert list(find_dead_clauses({**PLAIN, "buy_condition": {"any": [CROSS, after]}}, load_suite())) == []


def test_mutants_are_sound_and_differ_in_what_they_say() -> None:
    document: Document = draw_strategy(random.Random(4))
    mutants = list_mutants(random.Random(4), document)
    assert len(mutants) > 5
    assert all(check_document(each.document) == [] for each in mutants)
    assert write_text(document) not in {write_text(each.document) for each in mutants}


def test_a_survivor_is_listed_with_its_reason() -> None:
    suite = load_suite()
    late = {**PLAIN, "exit_after_bars": 5_000}
    assert [each.reason for each in find_survivors(PLAIN, [Mutant(late, "time stop")], suite)] == [
        "another exit always comes first"
    ]
    same = {**PLAIN, "buy_condition": {"cross_over": [{"CLOSE": {}}, {"BB_MIDDLE": {"length": 20}}]}}
    reasons = [each.reason for each in find_survivors(PLAIN, [Mutant(same, "series")], suite)]
    assert reasons == ["the sides hold on the same bars: no value lies between the two"]


def test_a_few_mutants_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    main(20)
    *survivors, said = capsys.readouterr().out.splitlines()
    assert len(survivors) <= 1
    assert said.startswith(f"20 mutants, {len(survivors)} survive: ")


@pytest.mark.slow
def test_the_suite_kills_95_percent_of_5000_mutants() -> None:
    found = list(survey(5_000, load_suite()))
    alive = [survivor for _, _, survivor in found if survivor]
    assert len(found) == 5_000
    assert len(alive) <= 0.05 * len(found), Counter(each.reason for each in alive)
