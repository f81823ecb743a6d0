"""The harness on reference 004's prompts: all that it counts is counted a second time, by a naive script."""

import ast
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import permutations
from statistics import mean
from typing import Any

import pytest

from indicators.strategy.bar_suite import load_suite, trade_on
from indicators.strategy.errors import StrategyError
from indicators.strategy.liveliness import find_home
from indicators.strategy.meaning import check_meaning
from indicators.strategy.series import SERIES
from indicators.strategy.tree import Document
from indicators.strategy.tst_form import read_tst
from tests.conftest import ROOT
from verification.strategies.dialects import PARAMETERS, read_tst_answer
from verification.strategies.differences import find_best_parameters
from verification.strategies.evaluate import Evaluation, evaluate_rows, list_constants, shuffle
from verification.strategies.lines import TestRow as Row
from verification.strategies.lines import read_test

PROMPTS = ROOT.parent / "shared/real/strategy_prompts.jsonl"
real = pytest.mark.skipif(not PROMPTS.is_file(), reason="the real prompts are not beside this repository")
SPANS = r"\b\d+(?:m|h|d|wk|mo|y)\b|\b\d+[ -]?(?:min(?:ute)?s?|hours?)\b"


@real
def test_some_prompts_are_scored_as_by_a_naive_script() -> None:
    compare_with_naive(read_test(PROMPTS)[:20])


@real
@pytest.mark.slow
def test_all_prompts_are_scored_as_by_a_naive_script() -> None:
    compare_with_naive(read_test(PROMPTS))


def compare_with_naive(rows: Sequence[Row]) -> None:
    """Compare counts, ceilings, and what right, shuffled, constant and empty responders score."""
    right = [row.answer for row in rows]
    read = [read_tst_answer(text) for text in right]
    found = dict(zip(map(id, read), right, strict=True))
    shuffled = [found[id(said)] for said in shuffle(read)]
    constants = [[found[id(said)]] * len(rows) for said in list_constants(read)]
    constants.append([write_call(find_best_parameters(read))] * len(rows))
    floors = [score_naively(answers, rows) for answers in constants]
    expected = {
        "empty": dict.fromkeys(floors[0], 0.0),
        "shuffled": score_naively(shuffled, rows),
        "constant": {metric: max(floor[metric] for floor in floors) for metric in floors[0]},
    }
    commonest = max(Counter(right).values()) / len(rows)
    expected["constant"]["identical"] = max(expected["constant"]["identical"], commonest)
    told = [is_told(row) for row in rows]
    for answers in (right, shuffled, constants[0], [""] * len(rows)):
        result = evaluate_rows(rows, answers, "tst")
        assert (result.recoverable, result.sound) == (sum(told), sum(document(text) is not None for text in right))
        assert scores(result) == pytest.approx(score_naively(answers, rows))
        for name, floor in expected.items():
            under = {line.metric: line.floors[name] for line in result.lines if line.metric in floor}
            assert under == pytest.approx(floor), name
        ceilings = {line.metric: line.ceiling for line in result.lines}
        best = score_naively([text if can else "" for text, can in zip(right, told, strict=True)], rows)
        del best["valid"], best["parameters"]
        assert {metric: ceilings[metric] for metric in best} == pytest.approx(best)
        assert ceilings["parameters"] == pytest.approx(find_ceiling(rows))


def scores(result: Evaluation) -> dict[str, float]:
    return {line.metric: line.score.value for line in result.lines if line.metric not in LEFT_OUT}


LEFT_OUT = ("strict", "identical_recoverable")  # as `valid` where there is no prose, and a part of `identical`


def score_naively(answers: Sequence[str], rows: Sequence[Row]) -> dict[str, float]:
    """Score answers in the text form that are whole strategies, or nothing."""
    right = [row.answer for row in rows]
    pairs = list(zip(answers, right, strict=True))
    traded = [(one, other) for one, other in pairs if document(other) is not None]
    entered = [(one, other) for one, other in traded if trade_at_home(other, other)]
    return {
        "valid": mean(bool(answer) for answer in answers),
        "identical": mean(one == other for one, other in pairs),
        "parameters": count_parameters(pairs),
        "entry_recall": mean(recall(*pair) for pair in traded),
        "same_trades": mean(trade_everywhere(one) == trade_everywhere(other) for one, other in traded),
        "trades_f1": mean(compare_trades(*pair) for pair in entered),
    }


@cache
def document(text: str) -> Document | None:
    """Read what can be executed."""
    try:
        read = read_tst(text)
    except StrategyError:
        return None
    return None if check_meaning(read) else read


@cache
def trade_at_home(text: str, right: str) -> list[tuple[int, int, int]]:
    """Trade an answer on the home bars of the right one."""
    ours, theirs = document(text), document(right)
    if ours is None or theirs is None:
        return []
    return [(each.entry_bar, each.exit_bar, each.side) for each in trade_on(ours, find_home(theirs, load_suite()))]


@cache
def trade_everywhere(text: str) -> list[list[tuple[Any, ...]]] | None:
    read = document(text)
    return None if read is None else [[each[:6] for each in trade_on(read, bars)] for bars in load_suite()]


def recall(one: str, other: str) -> float:
    entries, wanted = ({(entry, side) for entry, _, side in trade_at_home(text, other)} for text in (one, other))
    return len(entries & wanted) / len(wanted) if wanted else float(bool(one))


def compare_trades(one: str, other: str) -> float:
    ours, theirs = set(trade_at_home(one, other)), set(trade_at_home(other, other))
    precise, complete = len(ours & theirs) / max(len(ours), 1), len(ours & theirs) / len(theirs)
    return 2 * precise * complete / (precise + complete) if ours & theirs else 0.0


def list_numbers(answer: str) -> list[float]:
    """List the numbers that a prompt must say, the parts of dates and the names of lengths of time left out."""
    plain = re.sub(r"\b[A-Za-z_]\w*\.\w+\b", "", re.sub(SPANS, " ", answer, flags=re.IGNORECASE))
    return [float(number) for number in re.findall(r"(?<![\w.])-?(\d+(?:\.\d+)?)", plain)]


def list_said(prompt: str) -> set[float]:
    return {float(number) for number in re.findall(r"\d+(?:\.\d+)?", prompt)}


def is_told(row: Row) -> bool:
    return set(list_numbers(row.answer)) <= list_said(row.prompt)


def find_ceiling(rows: Sequence[Row]) -> float:
    """Find the share of values that the prompts may say: all but the numbers that are not theirs."""
    unsaid = sum(number not in list_said(row.prompt) for row in rows for number in list_numbers(row.answer))
    return 1 - unsaid / sum(size(row.answer) for row in rows)


def size(text: str) -> int:
    parts = split(text)
    sides = ("buy_condition", "sell_condition")
    return sum(1 + (weigh(spread(parts[key])) if key in sides and key in parts else 1) for key in PARAMETERS)


def count_parameters(pairs: Sequence[tuple[str, str]]) -> float:
    """Count the values of the right texts, and take away where the answers' differ; no answer has none of them."""
    sizes = sum(size(right) for _, right in pairs)
    return 1 - sum(count_wrong(answer, right) if answer else size(right) for answer, right in pairs) / sizes


@cache
def count_wrong(answer: str, right: str) -> int:
    wrong = 0
    for key in PARAMETERS:
        ours, theirs = (spread(text[key]) if key in text else None for text in (split(answer), split(right)))
        apart = differ(theirs, ours)
        is_choice = key in ("position_type", "interval", "period")
        wrong += apart if key.endswith("condition") else min(apart * (1 + is_choice), 2)
    return wrong


@cache
def spread(text: str) -> Any:
    """Turn a call into a dict of its kind and values, by ast alone."""
    node = ast.parse(text, mode="eval").body
    if not isinstance(node, ast.Call):
        value = ast.unparse(node)
        return float(value) if re.fullmatch(r"-?[\d.]+", value) else value
    kind = ast.unparse(node.func)
    values = [spread(ast.unparse(each)) for each in node.args]
    named = {str(each.arg): spread(ast.unparse(each.value)) for each in node.keywords}
    if kind in ("AND", "OR"):
        return {"type": kind, "conditions": values}
    defaults = dict(SERIES[kind].defaults) if kind in SERIES else {}
    written = {name: repr(each) if isinstance(each, (str, bool)) else float(each) for name, each in defaults.items()}
    return {"type": kind} | {str(place): each for place, each in enumerate(values)} | written | named


def weigh(tree: Any) -> int:
    if isinstance(tree, dict):
        return len(tree) - 1 + sum(weigh(each) for each in tree.values())
    return sum(weigh(each) for each in tree) if isinstance(tree, list) else 1


def differ(one: Any, other: Any) -> int:
    """Count where two trees differ; lists are paired in every way."""
    if one == other:
        return 0
    if isinstance(one, dict) and isinstance(other, dict):
        both, either = set(one) & set(other), set(one) | set(other)
        if len(both) / len(either) < 0.33:
            return 1
        return len(either) - len(both) + sum(differ(one[key], other[key]) for key in both)
    if isinstance(one, list) and isinstance(other, list):
        short, long = sorted((one, other), key=len)
        apart = [[min(differ(*pair), 2) for pair in ((each, mate) for mate in long)] for each in short]
        ways = permutations(range(len(long)), len(short))
        return len(long) - len(short) + min(sum(apart[at][mate] for at, mate in enumerate(way)) for way in ways)
    return 1


@cache
def split(text: str) -> Mapping[str, str]:
    """Split a text form into its parameters."""
    parts, depth = [""], 0
    for letter in text.removeprefix("Strategy(")[:-1]:
        depth += Counter("(")[letter] - Counter(")")[letter]
        parts = [*parts, ""] if letter == "," and depth == 0 else [*parts[:-1], parts[-1] + letter]
    return dict(part.strip().split("=", 1) for part in parts)


def write_call(parameters: Mapping[str, str]) -> str:
    """Write parameters that the harness has read as a text form again."""
    return f"Strategy({', '.join(f'{key}={write_value(json.loads(value))}' for key, value in parameters.items())})"


def write_value(tree: Any) -> str:
    if isinstance(tree, list):
        kind, values, named = tree
        parts = [*map(write_value, values), *(f"{key}={write_value(value)}" for key, value in named.items())]
        return f"{kind}({', '.join(parts)})"
    return tree if isinstance(tree, str) and re.fullmatch(r"\w+\.\w+", tree) else repr(tree)
