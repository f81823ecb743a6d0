"""The harness: what it scores of known answers, computed a second time by a naive script; and bad files."""

import ast
import json
import re
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from indicators.strategy.equality import write_question
from indicators.strategy.series import SERIES
from tests.conftest import ROOT, run_cli
from tests.indicators.strategy.described import Described, describe_one
from verification.strategies.dialects import PARAMETERS, read_json_answer, read_tst_answer
from verification.strategies.evaluate import NO_BETTER, Evaluation, evaluate_rows, find_constant, shuffle
from verification.strategies.lines import TestRow as Row

PROMPTS = ROOT.parent / "shared/real/strategy_prompts.jsonl"
real = pytest.mark.skipif(not PROMPTS.is_file(), reason="the real prompts are not beside this repository")
TST = (
    "Strategy(ticker='IBM', position_type=PositionTypeEnum.LONG, "
    "buy_condition=GreaterThanCondition(first_series=RSI('IBM'), second_series=CONST(70)))"
)


def write_row(number: int, described: Described) -> Row:
    answer = write_question(described.withheld) if described.withheld else json.dumps(described.document)
    return Row(str(number), described.text, answer, "terse")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [write_row(seed, describe_one(seed, withholds=seed % 5 == 0)) for seed in range(30)]


def score(evaluation: Evaluation, metric: str) -> float:
    return next(line.score.value for line in evaluation.lines if line.metric == metric)


def test_right_answers_score_all(rows: list[Row]) -> None:
    found = evaluate_rows(rows, [row.answer for row in rows], "json")
    assert {line.score.value for line in found.lines} == {1.0}
    assert found.recoverable == len(rows)
    assert set(found.reactions) == {"right question"}


def test_no_answers_score_nothing(rows: list[Row]) -> None:
    found = evaluate_rows(rows, [""] * len(rows), "json")
    assert {line.score.value for line in found.lines} == {0.0}
    assert set(found.reactions) == {"silence"}
    assert str(found).count(NO_BETTER) == len(found.lines)


def test_a_constant_answer_is_called_so(rows: list[Row]) -> None:
    constant = next(row.answer for row in rows if "unresolved" not in row.answer)
    found = evaluate_rows(rows, [constant] * len(rows), "json")
    assert score(found, "valid") == 1.0
    assert all(not line.is_above_floor for line in found.lines)
    assert "guess" in found.reactions


def test_prose_is_valid_only_after_repair(rows: list[Row]) -> None:
    found = evaluate_rows(rows, [f"Here you are:\n```json\n{row.answer}\n```\nBye {{}}" for row in rows], "json")
    assert score(found, "strict") == 0.0
    assert score(found, "identical") == score(found, "valid") == 1.0


def test_a_needless_question_is_counted(rows: list[Row]) -> None:
    asking = '{"unresolved": ["$.ticker"], "question": "?"}'
    reactions = evaluate_rows(rows, [asking] * len(rows), "json").reactions
    assert set(reactions) == {"needless question", "wrong question"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{" * 100_000,
        '{"a":' * 50_000,
        "Strategy(" * 3_000,
        "Strategy(ticker=__import__('os').system('ls'))",
        '"' * 1_000_001,
        "x" * 1_000_000,
        '{"ticker": NaN}',
        "null",
        "Strategy(**{})",
        "Strategy('IBM')",
    ],
)
def test_what_says_nothing_is_not_valid(text: str) -> None:
    assert not read_json_answer(text).is_valid
    assert not read_tst_answer(text).is_valid


def test_the_text_form_is_read_whatever_its_order() -> None:
    other = (
        "Sure: `" + TST.replace("ticker='IBM', ", "").replace("CONST(70)))", "CONST(70.0)), ticker='IBM')") + "` done"
    )
    assert read_tst_answer(TST).strict
    assert not read_tst_answer(other).strict
    assert read_tst_answer(other).tree == read_tst_answer(TST).tree


@real
def test_real_prompts_are_scored_as_by_a_naive_script() -> None:
    lines = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()][:60]
    rows = [Row(str(number), line["prompt"], line["completion"], "") for number, line in enumerate(lines)]
    right = [read_tst_answer(row.answer) for row in rows]
    shuffled = [rows[right.index(said)].answer for said in shuffle(right)]
    constant = rows[right.index(find_constant(right))].answer
    for answers in (shuffled, [constant] * len(rows)):
        found = evaluate_rows(rows, answers, "tst")
        assert score(found, "valid") == 1.0
        identical = sum(one == other for one, other in zip(answers, (row.answer for row in rows), strict=True))
        assert score(found, "identical") == identical / len(rows)
        assert score(found, "parameters") == pytest.approx(naive_parameters(answers, [row.answer for row in rows]))


def naive_parameters(answers: list[str], right: list[str]) -> float:
    """Count the values of the right texts, and take away where the answers' differ; lists are paired in every way."""
    sizes = differences = 0
    for one, other in zip(map(split, answers), map(split, right), strict=True):
        for key in PARAMETERS:
            ours, theirs = (spread(text[key]) if key in text else None for text in (one, other))
            sizes += 1 + (weigh(theirs) if key.endswith("condition") else 1)
            apart = differ(theirs, ours)
            is_choice = key in ("position_type", "interval", "period")
            differences += apart if key.endswith("condition") else min(apart * (1 + is_choice), 2)
    return 1 - differences / sizes


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
    if one == other:
        return 0
    if isinstance(one, dict) and isinstance(other, dict):
        both, either = set(one) & set(other), set(one) | set(other)
        if len(both) / len(either) < 0.33:
            return 1
        return len(either) - len(both) + sum(differ(one[key], other[key]) for key in both)
    if isinstance(one, list) and isinstance(other, list):
        short, long = sorted((one, other), key=len)
        ways = permutations(long, len(short))
        return (
            len(long)
            - len(short)
            + min(sum(min(differ(*each), 2) for each in zip(short, way, strict=True)) for way in ways)
        )
    return 1


def split(text: str) -> dict[str, str]:
    """Split a text form into its parameters."""
    parts, depth = [""], 0
    for letter in text.removeprefix("Strategy(")[:-1]:
        depth += Counter("(")[letter] - Counter(")")[letter]
        parts = [*parts, ""] if letter == "," and depth == 0 else [*parts[:-1], parts[-1] + letter]
    return dict(part.strip().split("=", 1) for part in parts)


def write_lines(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def test_the_command_prints_a_table(tmp_path: Path) -> None:
    described = describe_one(3)
    row = {"row_id": "a", "prompt": described.text, "completion": described.document, "style": "terse"}
    test, answers = (
        write_lines(tmp_path / "test", row),
        write_lines(tmp_path / "answers", {"answer": described.document}),
    )
    result = run_cli("strategy", "eval", answers, "--test", test)
    assert result.exit_code == 0, result.output
    assert "1 rows; 1 (100.0%) can be recovered" in result.output
    assert "style terse: 1 rows" in result.output


@pytest.mark.parametrize(
    ("answers", "shown", "message"),
    [
        ([], [], "has 0 answers, the test 2 rows"),
        ([3, 4], [], "must be a text, or an object"),
        ([{"answer": "x"}, {"other": 1}], [], "must be a text, or an object"),
        ([{"id": "1", "answer": ""}, {"id": "1", "answer": ""}], [], "its ids are not those of the test"),
        (["x", "y"], [{"prompt": "Buy."}], "1 of its prompts are in the test"),
    ],
)
def test_bad_files_are_errors(answers: list[object], shown: list[object], message: str, tmp_path: Path) -> None:
    test = write_lines(tmp_path / "test", {"prompt": "Buy.", "completion": TST}, {"prompt": "Sell.", "completion": TST})
    files = write_lines(tmp_path / "answers", *answers), write_lines(tmp_path / "shown", *shown)
    result = run_cli("strategy", "eval", files[0], "--test", test, "--dialect", "tst", "--shown", files[1])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"prompt": "x"}', "\xff", "[" * 5_000])
def test_a_test_that_is_none_is_an_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "test").write_bytes(content.encode("latin-1"))
    result = run_cli("strategy", "eval", tmp_path / "test", "--test", tmp_path / "test")
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
