"""The cards of a description: all conditions, and the series it names among 15 at most."""

import json
import re

import pytest

from indicators.strategy.cards import CONDITION_NAMES, FOLDER, SERIES_NAMES, build_cards
from indicators.strategy.retrieval import MOST_CARDS, find_cards, find_series
from indicators.strategy.series import SERIES
from indicators.strategy.tree import iter_series
from tests.conftest import ROOT
from tests.indicators.strategy.described import describe_one

PROMPTS = ROOT.parent / "shared/real/strategy_prompts.jsonl"


def measure_recall(rows: list[tuple[str, set[str]]]) -> float:
    """Measure the share of series that are found."""
    found = sum(len(wanted & set(find_series(text))) for text, wanted in rows)
    return found / sum(len(wanted) for _, wanted in rows)


def test_every_series_has_a_card_and_the_folder_is_up_to_date() -> None:
    assert set(SERIES_NAMES) == set(SERIES)
    assert {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")} == build_cards()


@pytest.mark.parametrize("name", SERIES_NAMES)
def test_a_series_is_found_by_each_of_its_names(name: str) -> None:
    for said in SERIES_NAMES[name]:
        assert name in find_series(f"Buy when the {said} crosses above its level. Sell after 3 bars.")


def test_all_conditions_are_shown_and_at_most_15_series() -> None:
    text = " and ".join(names[0] for names in SERIES_NAMES.values())
    assert find_cards(text)[:-MOST_CARDS] == list(CONDITION_NAMES)
    assert find_cards(text) == find_cards(text)


@pytest.mark.parametrize("text", ["", "%%%", '"; DROP TABLE cards; --', "* AND NEAR(", "x" * 1_000_000, "привет \x00"])
def test_any_text_can_be_asked(text: str) -> None:
    assert len(find_cards(text)) <= MOST_CARDS + len(CONDITION_NAMES)


def test_series_of_our_own_styles_are_found() -> None:
    rows = [describe_one(seed) for seed in range(60)]
    named = [{next(iter(each)) for _, each in iter_series(row.document) if isinstance(each, dict)} for row in rows]
    assert measure_recall(list(zip([row.text for row in rows], named, strict=True))) >= 0.97


@pytest.mark.skipif(not PROMPTS.is_file(), reason="the real prompts are not beside this repository")
def test_series_of_1000_real_prompts_are_found() -> None:
    lines = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
    rows = [(line["prompt"], set(re.findall(r"\b([A-Z_]+)\('", line["completion"]))) for line in lines]
    assert measure_recall(rows) >= 0.97
