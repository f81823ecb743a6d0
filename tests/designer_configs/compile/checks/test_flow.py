from collections.abc import Callable
from pathlib import Path

import pytest

from designer_configs.compile.check import check_all

Edit = Callable[[str, str, str], None]
Break = Callable[[str, str, str], list[str]]
DATASET = "columns/log/dataset.yaml"
TRADE = "columns/log/trade.yaml"
JUDGE = "columns/log/judge.yaml"
MOOD = "columns/controls/mood.yaml"
PROFILE = "designer_configs/small.yaml"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("{gold_examples}", 10, "{gold_examples} is plain text to Data Designer: write {{ gold_examples }}"),
        (
            "{{ gold_example }}",
            10,
            "the column gold_example does not exist; did you mean gold_examples? known: control",
        ),
        ("{{ judge }}", 10, "the column judge is made only afterwards; known: controls, "),
        ("{{ row_id }}", 10, "the column row_id does not exist; "),
        ("{{ critique }}", 10, "the column critique does not exist; "),
        ("{{ gold_examples", 10, "not a valid Jinja template: "),
        ("{{ gold_examples | tojson }}", 10, "Data Designer has no filter tojson; "),
        ("{% set a = gold_examples %}", 7, "Data Designer refuses the template: "),
    ],
)
def test_problem_of_a_prompt(break_file: Break, text: str, line: int, problem: str) -> None:
    (found,) = break_file(TRADE, "{{ gold_examples }}", text)
    assert found.startswith(f":{line}: prompt: {problem}")


@pytest.mark.parametrize("text", ["{{ heat }} {{ ticker }}", "{{ gold_examples__ids }}", "{{ variation }}"])
def test_what_a_prompt_may_name(break_file: Break, text: str) -> None:
    assert break_file(TRADE, "{{ gold_examples }}", text) == []


def test_a_prompt_that_names_a_control_which_the_profile_does_not(root: Path, edit: Edit) -> None:
    edit(TRADE, "{{ gold_examples }}", "{{ mood }}")
    edit(PROFILE, "  - mood\n", "")
    (problem,) = check_all(root)
    assert str(problem).startswith(f"{TRADE}:10: prompt: the column mood is a control that {PROFILE} does not name; ")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "{{ not trade_checks.passed }}",
            "not trade_checks.passed",
            ":5: skip.when: names no column: a condition has its",
        ),
        (
            "{{ not trade_checks.passed }}",
            "{{ not checks.passed }}",
            ":5: skip.when: the column checks does not exist; ",
        ),
        ("{{ not trade_checks.passed }}", "{{ judge }}", ":5: skip.when: the column judge is made only afterwards; "),
        (
            "model_alias: judge",
            "model_alias: juge",
            ":4: model_alias: must be one of generator, judge, refiner (did you",
        ),
        (
            "{{ trade_checks__trade }}",
            "{{ trade_checks__row }}",
            ":6: prompt: the column trade_checks__row does not ex",
        ),
        ("name: realism", "name: style", ":7: scores: must score what a profile's acceptance names: realism, consist"),
        ("All, options: {1: ", "All, options: {6: ", ":10: scores.2.options: a score is a whole number from 1 to 5; "),
        ("All, options: {1: ", "All, options: {a: ", ":10: scores.2.options: a score is a whole number from 1 to 5; "),
        (
            "prompt:",
            "promt:",
            ":6: promt: unknown key; did you mean prompt? known: name, column_type, model_alias, scores",
        ),
    ],
)
def test_problem_of_the_judge(break_file: Break, old: str, new: str, problem: str) -> None:
    found = break_file(JUDGE, old, new)
    assert any(text.startswith(problem) for text in found), found


def test_a_filter_that_a_condition_may_use(break_file: Break) -> None:
    assert (
        break_file(JUDGE, "{{ not trade_checks.passed }}", "{{ trade_checks.violations | tojson | length > 2 }}") == []
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "variation,",
            "variations,",
            ":4: plan.1: there is no columns/log/variations.yaml; did you mean variation? known:",
        ),
        (
            "variation, ",
            "",
            "columns/log/gold_examples.yaml:3: column_type: gold_examples reads the column variation, whi",
        ),
        ("$controls, ", "", ":4: plan: the profile's controls have no place: add $controls"),
        (
            ", controls, gold",
            ", gold",
            ":4: plan: no expression column holds $controls: the controls would not reach the mo",
        ),
        (", gold_examples]", "]", ":4: plan: the loop reads the column gold_examples: add it"),
        (
            "[trade, trade_checks, judge]",
            "[trade_checks, trade, judge]",
            "columns/log/trade_checks.yaml:3: column_type: tr",
        ),
        (
            "refine/trade, trade_checks, judge]",
            "refine/trade, trade_checks]",
            ":6: refine: the loop reads the column judge",
        ),
        (
            "[trade,",
            "[variation, trade,",
            "columns/log/variation.yaml:2: name: two columns of one name: columns/log/variat",
        ),
        (
            "[trade,",
            "[variation, trade,",
            "columns/log/variation.yaml:3: column_type: a job with given rows draws nothing",
        ),
        (
            "$controls,",
            "trade, $controls,",
            "columns/log/trade.yaml:3: column_type: the plan asks no model: move the colu",
        ),
        ("generate: [trade,", "generate: [trade, trade,", ':5: generate.1: "trade" is in the list already: keep one'),
        (
            "generate: [trade,",
            "generate: [$controls, trade,",
            ":5: generate.0: must be a column's file in this folder, wit",
        ),
        ("one row per", "a row per", ':3: grain: must read: one row per ...; found "a row per trade"'),
    ],
)
def test_problem_of_the_dataset(break_file: Break, old: str, new: str, problem: str) -> None:
    found = break_file(DATASET, old, new)
    assert any(text.startswith(problem) for text in found), found


@pytest.mark.parametrize("name", ["judge", "variation", "row_id", "critique", "atr_14", "realism", "exit_price"])
def test_a_control_named_as_another_column(root: Path, name: str) -> None:
    text = (root / MOOD).read_text(encoding="utf-8").replace("mood", name)
    (root / "columns/controls" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (problem,) = [problem for problem in check_all(root) if "two columns of one name" in problem.message]
    assert name in str(problem)


def test_a_control_may_be_named_as_the_core_field_that_it_checks(break_file: Break) -> None:
    (found,) = break_file("columns/controls/ticker.yaml", "check: {field: ticker}", "check: {field: trade_type}")
    assert found == (
        ":3: column.name: two columns of one name: accepted rows have ticker already; "
        "say check: {field: ticker}, or rename it"
    )


def test_what_cannot_be_read_gives_no_further_problems(break_file: Break) -> None:
    assert break_file("columns/log/trade_checks.yaml", "name: trade_checks", "nmae: trade_checks") == [
        ":1: the key name is missing: Name of the column, and of the file.",
        ":2: nmae: unknown key; did you mean name? known: name, column_type, skip, propagate_skip",
    ]
