"""Every sampled strategy is sound, by two judges; every corrupted one is refused by the rule that it breaks."""

import json
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator

from indicators.strategy.canonical import write_text
from indicators.strategy.corrupter import CORRUPTIONS, Corrupted, corrupt_strategy
from indicators.strategy.grammar import check_text
from indicators.strategy.leaves import KINDS
from indicators.strategy.sampler import EXITS, MOST_LEAVES, Controls, draw_strategy
from indicators.strategy.schema import build_schema
from indicators.strategy.tree import SIDES, Document, iter_leaves, measure_depth

QUICK, MANY = 150, 5_000


def draw_many(count: int) -> Iterator[Document]:
    """Draw from one seed each, so that a failure can be had again alone."""
    return (draw_strategy(random.Random(seed)) for seed in range(count))


def corrupt_many(count: int) -> Iterator[Corrupted]:
    """Corrupt drawn strategies, every kind in turn by what is applicable."""
    for seed in range(count):
        rng = random.Random(seed)
        yield corrupt_strategy(rng, draw_strategy(rng))


def list_unrefused(cases: Iterator[Corrupted]) -> list[Corrupted]:
    """List what was let through, or refused by another rule than the broken one, or without a path."""
    found = [(case, check_text(case.text)) for case in cases]
    return [
        case
        for case, problems in found
        if not any(problem.rule == case.rule and problem.path.startswith("$") for problem in problems)
    ]


def test_sampled_strategies_are_sound_and_in_canonical_form() -> None:
    for document in draw_many(QUICK):
        text = write_text(document)
        assert check_text(text) == []
        assert json.loads(text) == document


def test_a_seed_draws_the_same_strategy_again() -> None:
    assert list(draw_many(20)) == list(draw_many(20))


@pytest.mark.parametrize("leaves", range(1, MOST_LEAVES + 1))
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_controls_are_kept(leaves: int, depth: int) -> None:
    controls = Controls(
        leaves=leaves, depth=depth, position_type="LONG_SHORT_COMBINED", interval="5m", exits=("session",)
    )
    document = draw_strategy(random.Random(leaves), controls)
    assert Counter(path[0] for path, _ in iter_leaves(document)) == dict.fromkeys(SIDES, leaves)
    assert {measure_depth(document[side]) for side in SIDES} == {min(depth, leaves - 1)}
    assert (document["interval"], document["position_type"]) == ("5m", "LONG_SHORT_COMBINED")
    assert "session" in document
    assert not ({"stop_loss", "atr_stop", *EXITS} - {"session"}) & document.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_asked_for(kind: str) -> None:
    assert check_text(write_text(draw_strategy(random.Random(3), Controls(kind=kind)))) == []


def test_a_session_is_drawn_as_often_as_it_is_asked_for() -> None:
    share = sum("session" in document for document in draw_many(1_000)) / 1_000
    assert 0.16 < share < 0.24


def test_controls_that_contradict_each_other_are_an_error() -> None:
    with pytest.raises(ValueError, match="No strategy has all of"):
        draw_strategy(random.Random(1), Controls(exits=("session",), interval="1d"))


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_every_kind_of_corruption_is_refused_by_its_rule(kind: str) -> None:
    controls = Controls(leaves=4, exits=("take_profit",), position_type="LONG", size="usd")
    document = {
        **draw_strategy(random.Random(5), controls),
        "sell_condition": {
            "all": [{"greater": [{"RSI": {"source": "OPEN"}}, 70]}, {"less": [{"CLOSE": {}}, {"SMA": {}}]}]
        },
    }
    assert check_text(json.dumps(document)) == []
    assert list_unrefused(iter([corrupt_strategy(random.Random(5), document, kind)])) == []


def test_corrupted_strategies_are_refused() -> None:
    assert list_unrefused(corrupt_many(QUICK)) == []


@pytest.mark.slow
def test_5000_sampled_strategies_pass_two_judges() -> None:
    guidance = pytest.importorskip("llguidance", reason="llguidance is not installed: it is a test extra")
    validator = Draft202012Validator(build_schema())
    matcher = guidance.LLMatcher(
        guidance.LLTokenizer("byte"), guidance.LLMatcher.grammar_from_json_schema(json.dumps(build_schema()))
    )
    refused = []
    for document in draw_many(MANY):
        text = write_text(document).encode()
        matcher.reset()
        whole = matcher.try_consume_tokens(list(text)) == len(text) and matcher.is_accepting()
        if not (whole and validator.is_valid(document) and not check_text(text.decode())):
            refused.append(text)
    assert refused == []


@pytest.mark.slow
def test_5000_corrupted_strategies_are_refused() -> None:
    cases = list(corrupt_many(MANY))
    assert len({case.kind for case in cases}) == len(CORRUPTIONS) >= 20
    assert list_unrefused(iter(cases)) == []
