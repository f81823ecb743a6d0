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
            f"{PROFILE}:12: models.judge: no column of log asks it; did you mean juge? known: generator, juge, refiner",
        ),
        (
            "{{ trade_checks__trade }}",
            "{{ trade_checks__row }}",
            ":6: prompt: the column trade_checks__row does not ex",
        ),
        (
            "model_alias: judge",
            "model_alias: juge",
            f"{PROFILE}:10: models: the key juge is missing: the model of a role",
        ),
        (
            "model_alias: judge",
            "model_alias: Juge",
            ":4: model_alias: must be lower-case letters, digits and _, starting w",
        ),
        (
            "name: realism",
            "name: style",
            f"{DATASET}:13: acceptance.realism: the judge does not score it; known: style, c",
        ),
        (
            "All, options: {1: ",
            "All, options: {6: ",
            ":10: scores.2.options.6: a score is a whole number from 1 to 5; ",
        ),
        (
            "All, options: {1: ",
            "All, options: {a: ",
            ":10: scores.2.options.a: a score is a whole number from 1 to 5; ",
        ),
        (
            "prompt:",
            "promt:",
            ":6: promt: unknown key; did you mean prompt? known: name, column_type, description, unit, model",
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
        (", gold_examples]", "]", f"{TRADE}:10: prompt: the column gold_examples does not exist; known: controls, "),
        (
            "[trade, trade_checks, judge]",
            "[trade, judge]",
            ":5: generate: the loop reads the column trade_checks (checks)",
        ),
        (
            "[trade, trade_checks, judge]",
            "[trade, trade_checks]",
            ":5: generate: the loop reads the column judge (judge)",
        ),
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


def test_a_control_may_be_named_as_the_field_that_it_checks(break_file: Break) -> None:
    (found,) = break_file("columns/controls/ticker.yaml", "check: {field: ticker}", "check: {field: trade_type}")
    assert found == (
        ":3: column.name: two columns of one name: accepted rows have ticker already; "
        "say check: {field: ticker}, or rename it"
    )


def test_what_cannot_be_read_gives_no_further_problems(break_file: Break) -> None:
    assert break_file("columns/log/trade_checks.yaml", "name: trade_checks", "nmae: trade_checks") == [
        ":1: the key name is missing: Name of the column, and of the file.",
        ":2: nmae: unknown key; did you mean name? known: name, column_type, description, unit, function, reads, skip, "
        "propagate_skip",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("row: trade\n", "row: trades\n", ":5: generate: the loop reads the column trades (row): add it"),
        ("row: trade\n", "row: trades\n", ":6: refine: the loop reads the column trades (row): add it"),
        ("row: trade\n", "", ":1: the key row is missing: Column that is checked, judged, refined and accepted"),
        (
            "checks: [trade_checks]",
            "checks: [trade_check]",
            ":5: generate: the loop reads the column trade_check (checks)",
        ),
        (
            "checks: [trade_checks]",
            "checks: [trade]",
            f"{TRADE}:3: column_type: must be row-checks; found llm-structured",
        ),
        ("judge: judge", "judge: juge", ":5: generate: the loop reads the column juge (judge): add it"),
        ("judge: judge", "judge: trade", f"{TRADE}:3: column_type: must be llm-judge; found llm-structured"),
        ("judge: judge\n", "", ":12: acceptance: goes with judge, which is missing: add it"),
        (
            "{realism: 4}",
            "{realsm: 4}",
            ":13: acceptance.realsm: the judge does not score it; did you mean realism? known",
        ),
        ("{realism: 4}", "{realism: 6}", ":13: acceptance.realism: must be at least 1 and at most 5; found 6"),
        ("noun: trade", "keep: [mod]", ":7: keep.0: no column mod is made in plan or generate; did you mean mood?"),
        ("noun: trade", "exports: [chat]", ":7: exports.0: there is no columns/log/exports/chat.yaml; known: none"),
        ("noun: trade", "noun: A Trade", ":7: noun: must be a word in lower case, such as trade"),
        (
            "noun: trade",
            "code: columns.log.dataset",
            ":7: code: there is no module columns.log.dataset (columns/log/data",
        ),
        ("noun: trade", "code: os.path", ":7: code: must be a module below columns, such as columns.trade_log.dataset"),
        (
            "noun: trade",
            "questions: verification.no",
            ":7: questions: there is no module verification.no (verification",
        ),
        ("noun: trade", "constraint: {name: heat}", ":7: constraint: the key field is missing"),
        (
            "bars: optional",
            "holdout: optional",
            ":8: gold.holdout: must be a key of a profile's gold other than folder, holdout",
        ),
        ("bars: optional", "bars: perhaps", ':8: gold.bars: must be one of required, optional, none; found "perhaps"'),
        ("noun: trade", "families: {size: many}", ":7: families: the key shared is missing"),
        (
            "noun: trade",
            "families: {size: many, shared: [mood]}",
            ":7: families.size: no whole number of options.schema.json with a default; known: none",
        ),
        (
            "noun: trade",
            "families: {size: many, shared: [mod], where: {variaton: x}}",
            ":7: families.shared.0: no column mod is drawn in plan; did you mean mood?",
        ),
        (
            "noun: trade",
            "families: {size: many, shared: [mood], where: {variaton: x}}",
            ":7: families.where.variaton: no column variaton is drawn in plan; did you mean variation?",
        ),
        (
            "noun: trade",
            "instead: {tune: {dry: {judge: [instead/judge]}}}",
            ":7: instead.tune: no key of options.schema.json; known: market",
        ),
        (
            "session_date: text",
            "session_date: day",
            ':9: gold_columns.session_date: must be one of text, number; found "day"',
        ),
    ],
)
def test_problem_of_what_a_dataset_declares(break_file: Break, old: str, new: str, problem: str) -> None:
    found = break_file(DATASET, old, new)
    assert any(text.startswith(problem) for text in found), found


def test_a_dataset_without_checks_judge_and_refinement_is_right(root: Path, edit: Edit) -> None:
    edit(DATASET, "generate: [trade, trade_checks, judge]", "generate: [trade]")
    edit(DATASET, "refine: [refine/refined_trade, refine/trade, trade_checks, judge]\n", "")
    edit(DATASET, "checks: [trade_checks]\njudge: judge\nacceptance: {realism: 4}\n", "")
    edit(PROFILE, "  judge: {model: b}\n  refiner: {model: c}\n", "")
    assert check_all(root) == []


def test_columns_that_a_profile_chooses_are_checked_where_it_does(root: Path, edit: Edit) -> None:
    options = '{"properties": {"tone": {"enum": ["dry", "wet"], "default": "wet"}}}'
    (root / "columns/log/options.schema.json").write_text(options, encoding="utf-8")
    edit(DATASET, "noun: trade", "noun: trade\ninstead: {tone: {dry: {controls: [instead/controls]}}}")
    assert check_all(root) == []
    edit(PROFILE, "dataset: log", "dataset: log\ntone: dry")
    (problem,) = check_all(root)
    assert str(problem).startswith(f"{DATASET}:8: instead: there is no columns/log/instead/controls.yaml; ")


def test_a_function_needs_the_code_it_is_in(root: Path, break_file: Break, edit: Edit) -> None:
    function = "column_type: row-checks\nfunction: check_mood"
    (found,) = break_file("columns/log/trade_checks.yaml", "column_type: row-checks", function)
    assert found == ":4: function: calls check_mood, but dataset.yaml names no code: add code: columns...."
    (root / "columns/log/dataset.py").write_text(
        "def check_mood(): ...\n\n\nraise ValueError('nothing of it is run')\n", encoding="utf-8"
    )
    edit(DATASET, "noun: trade", "noun: trade\ncode: columns.log.dataset")
    assert check_all(root) == []


def test_a_column_of_all_rows_stands_in_the_plan(root: Path, edit: Edit) -> None:
    (root / "columns/log/dataset.py").write_text("def deal(): ...\n", encoding="utf-8")
    (root / "columns/log/deck.yaml").write_text(
        "# yaml-language-server: $schema=../../designer_configs/schema/column.schema.json\n"
        "name: deck\ncolumn_type: computed\nfunction: deal\nwhole: true\nsides: [suit]\nreads: [mood]\n",
        encoding="utf-8",
    )
    edit(DATASET, "noun: trade", "noun: trade\ncode: columns.log.dataset")
    edit(DATASET, "controls, gold_examples]", "controls, deck, gold_examples]")
    edit(TRADE, "{{ gold_examples }}", "{{ gold_examples }} {{ deck }} {{ deck__suit }}")
    assert check_all(root) == []
    edit(DATASET, "controls, deck, gold_examples]", "controls, gold_examples]")
    edit(DATASET, "[trade, trade_checks, judge]", "[deck, trade, trade_checks, judge]")
    (problem,) = check_all(root)
    assert str(problem).startswith(
        "columns/log/deck.yaml:5: whole: would hold every row until the slowest answer is in"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "{trades: gold.csv}",
            "{rows: gold.csv}",
            ":14: gold.rows: unknown key; known: trades, bars, folder, holdout, em",
        ),
        (
            "{trades: gold.csv}",
            "{rows: gold.csv}",
            ":14: gold: the key trades is missing: a file of gold that the dataset",
        ),
        ("gold: {trades: gold.csv}\n", "", ":1: the key trades is missing: a file of gold that the dataset needs"),
        (
            "{trades: gold.csv}",
            "{trades: null}",
            ":14: gold: the key trades is missing: a file of gold that the dataset",
        ),
        (
            "  judge:",
            "  critic: {model: d}\n  judge:",
            ":12: models.critic: no column of log asks it; known: generator, ju",
        ),
        (
            "  judge:",
            "  Judge: {model: d}\n  judge:",
            ":12: models.Judge: must be a role: lower-case letters, digits an",
        ),
        ("  refiner: {model: c}\n", "", ":10: models: the key refiner is missing: the model of a role that log has"),
    ],
)
def test_problem_of_a_profile_against_its_dataset(break_file: Break, old: str, new: str, problem: str) -> None:
    found = break_file(PROFILE, old, new)
    assert any(text.startswith(problem) for text in found), found


def test_a_profile_brings_no_gold_that_its_dataset_does_not_take(root: Path, edit: Edit) -> None:
    edit(DATASET, "gold: {trades: required, bars: optional}", "gold: {trades: optional, bars: none}")
    edit(PROFILE, "gold: {trades: gold.csv}", "gold: {bars: null}")
    assert check_all(root) == []
    edit(PROFILE, "gold: {bars: null}", "gold: {bars: bars.csv}")
    (problem,) = check_all(root)
    assert str(problem) == f"{PROFILE}:14: gold.bars: unknown key; known: trades, folder, holdout, embargo, disguise"
