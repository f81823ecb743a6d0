"""The harness: what it scores of known answers, and bad files."""

import json
from pathlib import Path

import pytest

from indicators.strategy.equality import write_question
from tests.conftest import run_cli
from tests.indicators.strategy.described import Described, describe_one
from verification.errors import VerificationError
from verification.strategies.dialects import read_json_answer, read_tst_answer
from verification.strategies.evaluate import NO_BETTER, Evaluation, evaluate_rows
from verification.strategies.lines import TestRow as Row
from verification.strategies.lines import read_answers, read_test

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
        '{"unresolved": []}',
        '{"unresolved": [1]}',
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
        ([{"id": "1", "answer": ""}, {"id": "1", "answer": ""}], [], "the first that it lacks: '2'"),
        (["x", "y"], [{"prompt": "Buy."}], "1 of its prompts are in the test"),
        (["x", "y"], [{"prompt": "Hold."}, {"text": " buy.\n"}, "Sell."], "2 of its prompts are in the test"),
        (["x", "y"], [{"messages": []}], "under one of prompt, description, text"),
    ],
)
def test_bad_files_are_errors(answers: list[object], shown: list[object], message: str, tmp_path: Path) -> None:
    test = write_lines(tmp_path / "test", {"prompt": "Buy.", "completion": TST}, {"prompt": "Sell.", "completion": TST})
    files = write_lines(tmp_path / "answers", *answers), write_lines(tmp_path / "shown", *shown)
    result = run_cli("strategy", "eval", files[0], "--test", test, "--dialect", "tst", "--shown", files[1])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_a_models_own_answer_is_read_where_the_right_one_stands_beside_it(tmp_path: Path) -> None:
    lines = [{"prompt": f"Buy {number}.", "completion": TST, "response": "no"} for number in range(2)]
    file = write_lines(tmp_path / "outputs", *lines)
    rows = read_test(file)
    assert [row.answer for row in rows] == [TST, TST]
    assert read_answers(file, rows) == ["no", "no"]


def test_an_id_twice_in_a_test_is_an_error(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "test", *[{"id": "a", "prompt": "Buy.", "completion": TST}] * 2)
    with pytest.raises(VerificationError, match=r"test:2: has the id a of line 1: give each id once"):
        read_test(file)


def test_what_never_trades_is_entered_rightly_by_any_valid_answer() -> None:
    other = TST[:-1] + ", sell_condition=LessThanCondition(first_series=RSI('IBM'), second_series=CONST(40)))"
    rows = [Row("1", "Buy.", other.replace("CONST(70)", "CONST(99.9)"), "")] * 2
    assert [score(evaluate_rows(rows, [answer] * 2, "tst"), "entry_recall") for answer in (other, "no")] == [1.0, 0.0]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"prompt": "x"}', "\xff", "[" * 5_000])
def test_a_test_that_is_none_is_an_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "test").write_bytes(content.encode("latin-1"))
    result = run_cli("strategy", "eval", tmp_path / "test", "--test", tmp_path / "test")
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
