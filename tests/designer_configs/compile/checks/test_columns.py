from collections.abc import Callable
from pathlib import Path

import pytest

from designer_configs.compile.check import check_all, check_profile

Break = Callable[[str, str, str], list[str]]
HEAT = "columns/controls/heat.yaml"
TICKER = "columns/controls/ticker.yaml"
MOOD = "columns/controls/mood.yaml"
PROFILE = "designer_configs/small.yaml"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[0.2, 0.3, 0.5]", "[0.5, 0.5]", ":9: column.params.weights: must be as many as the values: 3; found 2"),
        ("[0.2, 0.3, 0.5]", "[0.2, 0.3, 0.6]", ":9: column.params.weights: must sum to 1 (within 1e-06); found 1.1"),
        ("[0.2, 0.3, 0.5]", "[-0.2, 0.7, 0.5]", ":9: column.params.weights.0: must be at least 0; found -0.2"),
        ("[0.2, 0.3, 0.5]", "[0.2, a, 0.5]", ":9: column.params.weights.1: Input should be a valid number, unable"),
        ("[0.3, 0.4, 0.5]", "[0.3, 0.4, 0.3]", ":8: column.params.values.2: 0.3 is in the list already: keep one"),
        ("[0.3, 0.4, 0.5]", "[0.3, 0.4, hot]", ":8: column.params.values.2: no row can have it: 'hot' is not of"),
        ("0.5]\nprompt", "0.5]\n    p: 3\nprompt", ":10: column.params.p: unknown key; known: values, weights"),
        ("values: [0.3, 0.4, 0.5]", "weight: 1", ":8: column.params.weight: unknown key; did you mean weights?"),
    ],
)
def test_problem_of_params(break_file: Break, old: str, new: str, problem: str) -> None:
    found = break_file(HEAT, old, new)
    assert any(text.startswith(problem) for text in found), found


@pytest.mark.parametrize("weights", ["[0.2, 0.3, 0.5000005]", "[0.2, 0.2999998, 0.5]", "[0, 0.5, 0.5]"])
def test_weights_that_sum_to_one(break_file: Break, weights: str) -> None:
    assert break_file(HEAT, "[0.2, 0.3, 0.5]", weights) == []


@pytest.mark.parametrize(
    ("sampler", "problem"),
    [
        ("binomial, params: {n: 3, p: 1.5}", ".params.p: Input should be less than or equal to 1; found 1.5"),
        ("binomial, params: {p: 0.5}", ".params: the key n is missing; known: n, p"),
        ("binomial, params: {n: 3, p: 0.5, q: 1}", ".params.q: unknown key; known: n, p"),
        ("category, params: {values: []}", ".params.values: List should have at least 1 item after validation, not 0"),
        ("category, params: {values: [[a]]}", ".params.values.0: Input should be a valid string; found a list of 1"),
        ("kategory, params: {values: [a]}", ".sampler_type: must be one of bernoulli, bernoulli_mixture, "),
        ("category", ": nothing to draw from: give params or from_gold"),
        ("category, params: {values: [a]}, drop: true", ".drop: unknown key; known: name, column_type, sampler_type, "),
        (
            "category, params: {values: [a]}, conditional_params: {b: {values: 3}}",
            ".conditional_params.b.values: Input",
        ),
        (
            "subcategory, params: {category: sector, values: {a: [b]}}",
            ".params.category: mood reads the column sector,",
        ),
    ],
)
def test_problem_of_a_sampler(break_file: Break, sampler: str, problem: str) -> None:
    found = break_file(MOOD, "category, params: {values: [calm, wild]}", sampler)
    assert any(text.startswith(f":3: column{problem}") for text in found), found


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{field: sector}", ":4: from_gold.field: sector is no column of the gold; "),
        ("{field: entry_time}", ":4: from_gold.field: entry_time is a time of day; "),
        ("{field: entry_price}", ":4: from_gold: entry_price is a number: say into how many quantile bins it is cut"),
        (
            "{field: ticker, bins: 3}",
            ":4: from_gold.bins: ticker is text, of which every value is drawn as often as it",
        ),
        ("{bins: 3}", ":4: from_gold: the key field is missing: Gold column to take them from."),
    ],
)
def test_problem_of_taking_from_the_gold(break_file: Break, source: str, problem: str) -> None:
    (found,) = break_file(TICKER, "from_gold: {field: ticker}", f"from_gold: {source}")
    assert found.startswith(problem)


def test_the_gold_fills_a_category_only(break_file: Break) -> None:
    (found,) = break_file(TICKER, "sampler_type: category", "sampler_type: uuid")
    assert found == ":4: from_gold: the gold fills a category sampler only; found sampler_type uuid"


def test_params_and_gold_at_once(break_file: Break) -> None:
    (found,) = break_file(TICKER, "sampler_type: category", "sampler_type: category, params: {values: [A]}")
    assert found == ":3: column: params and from_gold exclude each other: keep one"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("match: {field: entry_", "match: {field: ", ":11: match.field: volatility_percent is no column of the gold"),
        (
            "check: {field: entry_",
            "check: {field: ",
            ":12: check.field: volatility_percent is no field of a trade; did",
        ),
        (
            "match: {field: entry_volatility_percent",
            "match: {field: exit_time",
            ":11: match.field: exit_time is a time",
        ),
        (
            "tolerance: 0.05, widest: 0.5",
            "widest: 0.5",
            ":11: match.widest: goes with tolerance, which is missing: add",
        ),
        (
            ", tolerance: 0.05, widest: 0.5",
            "",
            ":11: match: entry_volatility_percent is a number: say how near is near",
        ),
        ("widest: 0.5", "widest: 0.01", ":11: match.widest: must be at least the tolerance, 0.05; found 0.01"),
        ("tolerance: 0.05, widest", "tolerance: 0, widest", ":11: match.tolerance: must be above 0; found 0"),
    ],
)
def test_problem_of_match_and_check(break_file: Break, old: str, new: str, problem: str) -> None:
    assert break_file(HEAT, old, new)[0].startswith(problem)


def test_text_has_no_tolerance(break_file: Break) -> None:
    (found,) = break_file(TICKER, "match: {field: ticker}", "match: {field: ticker, tolerance: 1}")
    assert found == ":6: match.tolerance: ticker is text, which matches or does not: drop the tolerance"


@pytest.mark.parametrize(
    ("sentence", "problem"),
    [
        ("In a mood.", "the sentence does not say what was drawn: name the column, {{ mood }}"),
        ("In {{ mood }} {mood}.", "{mood} is plain text to Data Designer: write {{ mood }}"),
        ("In {{ mood }} {{ regime }}.", "the column regime does not exist; known: "),
        ("In {{ mood }} {{ trade }}.", "the column trade is made only afterwards; "),
        ("In {{ mood | tojson }}.", "Data Designer has no filter tojson; known: "),
    ],
)
def test_problem_of_a_sentence(break_file: Break, sentence: str, problem: str) -> None:
    (found,) = break_file(MOOD, "In a {{ mood }} market.", sentence)
    assert found.startswith(f":4: prompt: {problem}")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "- mood",
            "- moood",
            ":8: controls.2: there is no columns/controls/moood.yaml; did you mean mood? known: heat,",
        ),
        ("{use: heat, ", "{use: heats, ", ":6: controls.0.use: there is no columns/controls/heats.yaml; did you mean"),
        (
            "- mood",
            "- ticker",
            ":8: controls.2: two columns of one name: ticker is named by controls.1 already; keep one",
        ),
        ("{bins: 9}", "{}", ":6: controls.0.from_gold: entry_volatility_percent is a number: say into how many"),
        (
            "{bins: 9}",
            "{field: heat, bins: 9}",
            ":6: controls.0.from_gold.field: heat is no column of the gold; known: ",
        ),
        (
            "- mood",
            "- {use: mood, from_gold: {}}",
            ":8: controls.2.from_gold: the control matches no gold column: name",
        ),
        (
            "- mood",
            "- {use: mood, params: {value: [a]}}",
            ":8: controls.2.params.value: unknown key; did you mean values?",
        ),
        ("from_gold: {bins: 9}", "params: {values: [1], weights: [2]}", ":6: controls.0.params.weights: must sum to 1"),
        (
            "from_gold: {bins: 9}",
            "params: {values: [a]}",
            ":6: controls.0.params.values.0: no row can have it: 'a' is",
        ),
    ],
)
def test_problem_of_a_control_in_a_profile(break_file: Break, old: str, new: str, problem: str) -> None:
    found = break_file(PROFILE, old, new)
    assert any(text.startswith(problem) for text in found), found


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (MOOD, "name: mood", "name: moods", ":3: column.name: must be named as its file: mood; found moods"),
        (
            "columns/log/variation.yaml",
            "name: variation",
            "name: number",
            ":2: name: must be named as its file: variation",
        ),
        (
            "columns/log/refine/trade.yaml",
            "name: trade",
            "name: trade2",
            ":2: name: must be named as its file: trade; ",
        ),
    ],
)
def test_a_column_named_unlike_its_file(break_file: Break, file: str, old: str, new: str, problem: str) -> None:
    assert any(text.startswith(problem) for text in break_file(file, old, new))


@pytest.mark.parametrize(
    ("output_format", "problem"),
    [
        ("none.schema.json", "none.schema.json cannot be read: No such file or directory"),
        ("core_trade.json", "must be the path of a *.schema.json file, or a JSON Schema; found "),
        ("{type: objekt}", "not a valid JSON Schema: "),
    ],
)
def test_problem_of_an_output_format(break_file: Break, output_format: str, problem: str) -> None:
    (found,) = break_file("columns/log/trade.yaml", "trade.schema.json", output_format)
    assert found.startswith(f":5: output_format: {problem}")


def test_an_output_format_that_is_no_json(break_file: Break, root: Path) -> None:
    (root / "columns/log/broken.schema.json").write_text("{", encoding="utf-8")
    assert check_profile(root / PROFILE, root) == check_all(root)
    (found,) = break_file("columns/log/trade.yaml", "trade.schema.json", "broken.schema.json")
    assert found.startswith("columns/log/broken.schema.json:1: not valid JSON: ")
