from collections.abc import Callable
from pathlib import Path

import pytest

from designer_configs.compile.check import check_all, check_profile
from designer_configs.compile.checks.shape import show, suggest

Edit = Callable[[str, str, str], None]
Break = Callable[[str, str, str], list[str]]
FILE = "designer_configs/small.yaml"


def test_the_small_project_is_right(root: Path) -> None:
    assert check_all(root) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("schema_version: 1", "schema_version: 2", ":2: schema_version: must be 1; found 2"),
        ("schema_version: 1", "schema_version: true", ":2: schema_version: must be 1; found true"),
        ("description: small\n", "", ":1: the key description is missing: What the profile is for, in one sentence."),
        ("description: small", "description: ''", ":3: description: must have at least 1 character; it is empty"),
        (
            "description: small",
            "description: 2025-06-09",
            ":3: description: must be text; found the date 2025-06-09 (put it in quotes to make it text)",
        ),
        (
            "description: small",
            "description: no",
            ":3: description: must be text; found false "
            "(YAML reads on, off, yes and no as true and false: put it in quotes to make it text)",
        ),
        ("trades: gold.csv", "trades: gold.csv, holdout: .nan", ":14: gold.holdout: must be a finite number"),
        ("trades: gold.csv", "trades: a, holdout: 1", ":14: gold.holdout: must be at least 0 and at most 0.5; found 1"),
        (
            "trades: gold.csv",
            "trades: gold.csv, holdut: 0.1",
            ":14: gold.holdut: must be text or null; found 0.1 (did you mean the key holdout?)",
        ),
        ("trades: gold.csv", "trades: [a, b]", ":14: gold.trades: must be text or null; found a list of 2"),
        ("  judge: {model: b}", "  judge: b", ':12: models.judge: must be a mapping (key: value); found "b"'),
        ("  judge: {model: b}\n", "", ":10: models: the key judge is missing: "),
        ("bins: 9", "bins: 1", ":6: controls.0.from_gold.bins: must be at least 2 and at most 100; found 1"),
        ("- {use: heat, ", "- {", ":6: controls.0: the key use is missing: Name of the control."),
        (
            "- mood",
            "- {use: mood, params: {}, from_gold: {}}",
            ":8: controls.2: params and from_gold exclude each other",
        ),
        ("{name: offline}", "{name: offline, endpoint: 'http://a'}", ":9: provider.endpoint: the offline model has no"),
        (
            "{name: offline}",
            "{name: my, endpoint: 'a/v1'}",
            ":9: provider.endpoint: must be the address of an API, such",
        ),
    ],
)
def test_problem(break_file: Break, old: str, new: str, problem: str) -> None:
    (found,) = break_file(FILE, old, new)
    assert found.startswith(problem)


def test_a_key_that_is_misspelt_is_missing_too(break_file: Break) -> None:
    missing, unknown = break_file(FILE, "dataset:", "data:")
    assert missing.startswith(
        ":1: the key dataset is missing: Folder under columns/ whose dataset.yaml says what a row"
    )
    assert unknown.startswith(":4: data: unknown key; did you mean dataset? known: schema_version, description, dat")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"run: {{seed: {10**400}}}", "run.seed: must be a finite number, below 1e+15"),
        ("run: {accepted: 200.0}", "run.accepted: must be a whole number; found 200.0"),
        ("run: {refine_passes: 3}", "run.refine_passes: must be at least 0 and at most 2; found 3"),
        ("run: {max_minutes: 0}", "run.max_minutes: must be above 0; found 0"),
        (
            "run: {max_minutes: 1e1}",
            'run.max_minutes: must be a number; found "1e1" '
            "(a number has no quotes, and a dot before its exponent: 1.0e-3)",
        ),
        (
            "run: {max_token: 5}",
            "run.max_token: unknown key; did you mean max_tokens? known: accepted, max_candidates,",
        ),
        ("acceptance: {realism: 6}", "acceptance.realism: must be at least 1 and at most 5; found 6"),
        (
            "acceptance: {style: 4}",
            "acceptance.style: the dataset has no style; known: realism, consistency, completeness",
        ),
        ("indicators: [atr_14, rsi_13]", "indicators.1: must be one of atr_14, "),
        ("indicators: [obv, macd, obv]", 'indicators.2: "obv" is in the list already: keep one'),
        ("export: [csv]", "export: parquet is always written: add it to the list"),
        ("export: [parquet, xls]", "export.1: the dataset has no xls; known: parquet, csv, jsonl"),
        ("backend: cloud", 'backend: must be library; found "cloud"'),
        (
            "backend: {microservices: {base_url_env: http}}",
            "backend.microservices.base_url_env: must be the name of an",
        ),
    ],
)
def test_problem_in_an_optional_key(break_file: Break, line: str, problem: str) -> None:
    found = break_file(FILE, "dataset: log", f"dataset: log\n{line}")
    assert found[0].startswith(f":5: {problem}")


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ("{temperature: 2.5}", "temperature: must be at least 0 and at most 2; found 2.5"),
        ("{max_parallel: 5}", "max_parallel: unknown key; did you mean max_parallel_requests? known: temperature, "),
        ("{timeout: 1.5}", "timeout: must be a whole number; found 1.5"),
    ],
)
def test_problem_of_a_model(break_file: Break, parameters: str, problem: str) -> None:
    (found,) = break_file(FILE, "{model: a}", f"{{model: a, inference_parameters: {parameters}}}")
    assert found.startswith(f":11: models.generator.inference_parameters.{problem}")


@pytest.mark.parametrize("key", ["nvapi-SECRET", "SECRET KEY", "{a: SECRET}", "[SECRET]"])
def test_what_may_be_a_key_is_never_shown(break_file: Break, key: str) -> None:
    (found,) = break_file(FILE, "{name: offline}", f"{{name: my, endpoint: 'http://a', api_key_env: {key}}}")
    assert found.startswith(":9: provider.api_key_env: must be ")
    assert found.endswith("the value found is not shown: it may be the key itself")
    assert "SECRET" not in found


def test_a_key_where_the_offline_model_wants_none(break_file: Break) -> None:
    found = break_file(FILE, "{name: offline}", "{name: offline, api_key_env: nvapi-SECRET}")
    assert any(text.startswith(":9: provider.api_key_env: the offline model wants no key") for text in found)
    assert "SECRET" not in "".join(found)


def test_every_problem_of_a_file_is_listed_in_its_order(root: Path, edit: Edit) -> None:
    edit(FILE, "schema_version: 1", "schema_version: 3\nschema_version: 1")
    edit(FILE, "dataset: log", "dataset: [log]")
    edit(FILE, "  refiner: {model: c}", "  refiner: {modle: c}")
    assert [(problem.line, problem.path) for problem in check_profile(root / FILE, root)] == [
        (2, "schema_version"),
        (3, "schema_version"),
        (5, "dataset"),
        (14, "models.refiner.modle"),
        (14, "models.refiner"),
    ]


def test_suggest_and_show() -> None:
    assert suggest("tickr", ["ticker", "period"]) == "did you mean ticker? known: ticker, period"
    assert suggest("zzz", []) == "known: none"
    assert (show("é"), show(None), show({}), show("x" * 99)) == ('"é"', "null", "a mapping", '"' + "x" * 59 + "...")
