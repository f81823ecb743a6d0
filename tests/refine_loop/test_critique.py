"""The verdict comes from violations and scores."""

from typing import Any

from columns.declared import read_declared
from designer_configs.compile.checks.project import PROJECT_ROOT
from refine_loop.critique import find_named_fields, judge_row, write_critique

TRADE_LOG = read_declared(PROJECT_ROOT / "columns/trade_log")
ACCEPTANCE = {"realism": 4, "consistency": 4, "completeness": 4}


def score(realism: Any, consistency: Any = 5, completeness: Any = 5) -> dict[str, Any]:
    return {
        "realism": {"reasoning": "best_exit_percent 9.1 is far above 1.4", "score": realism},
        "consistency": {"reasoning": "The exit price and exit_time fit.", "score": consistency},
        "completeness": {"reasoning": "All there.", "score": completeness},
    }


def test_row_with_every_score_reached_is_accepted() -> None:
    verdict = judge_row([], score(4, 4, 4), TRADE_LOG, ACCEPTANCE)
    assert verdict.accepted
    assert verdict.scores == {"realism": 4, "consistency": 4, "completeness": 4}


def test_score_that_is_text_counts_as_its_number() -> None:
    assert judge_row([], score("4"), TRADE_LOG, ACCEPTANCE).scores["realism"] == 4


def test_low_score_gives_its_reasoning_and_the_fields_it_names() -> None:
    verdict = judge_row([], score(2), TRADE_LOG, ACCEPTANCE)
    assert verdict.critique == ["[realism 2/5, at least 4 wanted] best_exit_percent 9.1 is far above 1.4"]
    assert verdict.fields == ["best_exit_percent"]


def test_judges_praise_does_not_name_fields() -> None:
    assert "exit_time" not in judge_row([], score(2), TRADE_LOG, ACCEPTANCE).fields


def test_violations_are_the_critique_and_no_score_is_kept() -> None:
    violation = {
        "rule": "session_hours",
        "fields": ("exit_time", "entry_time"),
        "message": "exit_time is late",
    }
    verdict = judge_row([violation], score(5), TRADE_LOG, ACCEPTANCE)
    assert (verdict.critique, verdict.scores) == (["[session_hours] exit_time is late"], {})
    assert verdict.fields == ["entry_time", "exit_time"]


def test_row_that_passed_the_checks_but_was_not_judged_is_not_accepted() -> None:
    assert not judge_row([], None, TRADE_LOG, ACCEPTANCE).accepted


def test_fields_are_found_by_key_and_in_words() -> None:
    text = "The Exit Price and `worst_exit_percent` look off"
    assert find_named_fields(text, TRADE_LOG.fields) == ["exit_price", "worst_exit_percent"]


def test_field_name_inside_a_longer_word_is_not_a_name() -> None:
    assert find_named_fields("bestickers are no tickers", TRADE_LOG.fields) == []


def test_critique_is_a_list() -> None:
    assert write_critique(["[a] x", "[b] y"]) == "- [a] x\n- [b] y"
