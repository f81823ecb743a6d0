import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from designer_configs.compile.check import check_all, check_environment, check_profile
from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.profile import load_profile

Edit = Callable[[str, str, str], None]
Break = Callable[[str, str, str], list[str]]
HEAT = "columns/controls/heat.yaml"
MOOD = "columns/controls/mood.yaml"
DATASET = "columns/log/dataset.yaml"
TRADE = "columns/log/trade.yaml"
JUDGE = "columns/log/judge.yaml"
PROFILE = "designer_configs/small.yaml"


def test_what_is_shipped_is_right() -> None:
    assert [str(problem) for problem in check_all()] == []


def test_every_problem_of_every_file_is_listed(root: Path, edit: Edit) -> None:
    edit(HEAT, "[0.3, 0.4, 0.5]", "[0.3, 0.4, 0.4]")
    edit(MOOD, "description: Mood of the market.\n", "")
    edit(TRADE, "{{ session_date }}:", "{session_date}: {{ nothing }}")
    edit(JUDGE, "model_alias: judge", "model_alias: Juge")
    edit(PROFILE, "description: small", "description: small\ndescription: large")
    (root / "designer_configs/other.yaml").write_bytes(b"a: \xff\n")
    assert [(problem.file, problem.line, problem.path) for problem in check_all(root)] == [
        (HEAT, 8, "column.params.values.2"),
        (MOOD, 1, ""),
        (JUDGE, 4, "model_alias"),
        (TRADE, 7, "prompt"),
        (TRADE, 7, "prompt"),
        ("designer_configs/other.yaml", 1, ""),
        (PROFILE, 4, "description"),
    ]


def test_a_new_control_needs_its_file_and_its_name_in_a_profile(root: Path, edit: Edit) -> None:
    (root / "columns/controls/market_regime.yaml").write_text(
        "# yaml-language-server: $schema=../../designer_configs/schema/control.schema.json\n"
        "description: Where the market goes.\n"
        "column: {name: market_regime, column_type: sampler, sampler_type: category, params: {values: [up, down]}}\n"
        'prompt: "The market goes {{ market_regime }}."\n',
        encoding="utf-8",
    )
    edit(PROFILE, "  - mood\n", "  - mood\n  - market_regime\n")
    assert check_all(root) == []


@pytest.mark.parametrize("file", [PROFILE, MOOD, DATASET, "columns/log/refine/trade.yaml"])
def test_a_file_is_valid_without_the_line_that_an_editor_reads(root: Path, file: str) -> None:
    lines = (root / file).read_text(encoding="utf-8").splitlines(keepends=True)
    (root / file).write_text("".join(lines[1:]), encoding="utf-8")
    assert (check_all(root), check_profile(root / PROFILE, root)) == ([], [])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("[on, off]", ["YAML reads on as true", "YAML reads off as false"]),
        ("[DK, NO, SE]", ["YAML reads NO as false"]),
        ("[9:30, 10:00]", ["YAML reads 9:30 as the number 570", "YAML reads 10:00 as the number 600"]),
        ("[007, a]", ["YAML reads 007 as the number 7"]),
        ("[0x1F, 0b11]", ["YAML reads 0x1F as the number 31", "YAML reads 0b11 as the number 3"]),
        ("[2026-11-29, a]", ["YAML reads 2026-11-29 as a date"]),
    ],
)
def test_a_value_that_yaml_takes_for_another_is_to_be_quoted(break_file: Break, values: str, said: list[str]) -> None:
    found = break_file(MOOD, "[calm, wild]", values)
    assert [
        problem.partition(": ")[2].partition(": ")[2].startswith(text)
        for problem, text in zip(found, said, strict=True)
    ]
    assert all(problem.endswith("put it in quotes to make it text") for problem in found)


def test_a_blank_is_no_value_of_a_control_for_a_prompt_would_say_nothing(break_file: Break) -> None:
    found = break_file(MOOD, "[calm, wild]", "['', '  ', calm]")
    assert [problem.partition("values.")[2] for problem in found] == [
        '0: "" is blank, and a prompt would say nothing: give it a word, or drop it',
        '1: "  " is blank, and a prompt would say nothing: give it a word, or drop it',
    ]


def test_truth_is_no_value_of_a_control_for_prompts_would_say_a_number(break_file: Break) -> None:
    found = break_file(MOOD, "[calm, wild]", "[true, false]")
    assert [problem.partition("values.")[2] for problem in found] == [
        "0: would be drawn as 1: put true in quotes to make it text",
        "1: would be drawn as 0: put false in quotes to make it text",
    ]


def test_what_is_quoted_or_means_what_it_says_is_taken(root: Path, edit: Edit) -> None:
    edit(MOOD, "[calm, wild]", "['on', \"9:30\", '007', 1_000, 0.5, 1e-3]")
    assert check_all(root) == []


def test_controls_may_read_one_another_whatever_their_names_are(root: Path, edit: Edit) -> None:
    params = "{category: mood, values: {calm: [low], wild: [high]}}"
    (root / "columns/controls/angle.yaml").write_text(
        "description: Of the market's mood.\n"
        f"column: {{name: angle, column_type: sampler, sampler_type: subcategory, params: {params}}}\n"
        'prompt: "At {{ angle }}."\n',
        encoding="utf-8",
    )
    edit(PROFILE, "  - mood\n", "  - angle\n  - mood\n")
    assert (check_all(root), check_profile(root / PROFILE, root)) == ([], [])
    edit(PROFILE, "  - mood\n", "")
    (problem,) = check_profile(root / PROFILE, root)
    assert "angle reads the column mood, which is not made before it" in problem.message


def test_unknown_names_are_said_beside_errors_of_shape(root: Path, edit: Edit) -> None:
    edit(PROFILE, "description: small", "description: 7")
    edit(PROFILE, "  - mood", "  - moood\n  - {use: heet}")
    edit(PROFILE, "gold: {trades: gold.csv}\n", "gold: {trades: gold.csv}\nexport: [parquet, csvv]\n")
    found = [str(problem).removeprefix(PROFILE) for problem in check_profile(root / PROFILE, root)]
    assert [text.partition("; ")[0] for text in found] == [
        ":3: description: must be text",
        ":8: controls.2: there is no columns/controls/moood.yaml",
        ":9: controls.3.use: there is no columns/controls/heet.yaml",
        ":16: export.1: the dataset has no csvv",
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("{\n  1}", 2, "not valid JSON: "),
        ('{"type": "objekt"}', None, "not a valid JSON Schema: "),
        (None, None, "cannot be read: No such file"),
    ],
)
def test_a_broken_schema(root: Path, text: str | None, line: int | None, message: str) -> None:
    file = "designer_configs/schema/control.schema.json"
    (root / file).unlink()
    if text is not None:
        (root / file).write_text(text, encoding="utf-8")
    (problem,) = check_all(root)
    assert (problem.file, problem.line) == (file, line)
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [("{\n  1}", 2, "not valid JSON: "), ('{"type": "objekt"}', None, "not a valid JSON Schema: ")],
)
def test_a_broken_schema_of_a_dataset(root: Path, text: str, line: int | None, message: str) -> None:
    (root / "columns/log/trade.schema.json").write_text(text, encoding="utf-8")
    (problem,) = check_all(root)
    assert (problem.file, problem.line) == ("columns/log/trade.schema.json", line)
    assert problem.message.startswith(message)


def test_a_schema_of_a_dataset_that_is_not_there_is_said_of_the_column(root: Path) -> None:
    (root / "columns/log/trade.schema.json").unlink()
    (problem,) = check_all(root)
    assert (problem.file, problem.line, problem.path) == (TRADE, 5, "output_format")
    assert problem.message == "trade.schema.json cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "dataset: log",
            "dataset: logs",
            ":4: dataset: there is no columns/logs/dataset.yaml; did you mean log? known: log",
        ),
        (
            "provider:",
            "run: {accepted: 500}\nprovider:",
            ":9: run.max_candidates: must be at least run.accepted, 500; found 400",
        ),
        (
            "{name: offline}",
            "{name: my}",
            ":9: provider: the endpoint of my is not known: add it, such as endpoint: htt",
        ),
    ],
)
def test_problem_of_a_profile(break_file: Break, old: str, new: str, problem: str) -> None:
    (found,) = break_file(PROFILE, old, new)
    assert found.startswith(problem)


def test_a_service_knows_its_providers(break_file: Break) -> None:
    assert break_file(PROFILE, "{name: offline}", "{name: my}\nbackend: {microservices: {}}") == []


def test_a_profile_elsewhere_is_checked_with_what_it_uses_only(root: Path, edit: Edit, tmp_path: Path) -> None:
    edit(PROFILE, "  - mood\n", "")
    edit(MOOD, "{{ mood }}", "{mood}")
    path = (root / PROFILE).rename(tmp_path / "mine.yaml")
    assert check_profile(path, root) == []
    assert check_profile(tmp_path / "no.yaml", root)[0].message == "cannot be read: No such file or directory"


def test_the_environment_is_looked_at_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    monkeypatch.delenv("NEMO_MICROSERVICES_BASE_URL", raising=False)
    names = ("offline", "nim_dev", "microservices")
    assert {name: [problem.path for problem in check_environment(load_profile(name))] for name in names} == {
        "offline": [],
        "nim_dev": ["provider.api_key_env"],
        "microservices": ["backend.microservices.base_url_env"],
    }
    monkeypatch.setenv("NVIDIA_API_KEY", "x")
    assert check_environment(load_profile("nim_dev")) == []


KEYS = st.sampled_from(
    ["name", "column", "prompt", "params", "values", "weights", "controls", "use", "models", "plan", "-"]
)
VALUES = st.sampled_from(["", "1", "x", "on", "[1, x]", "{a: 1}", "{{ a }}", "'{{ a'", "null", "2025-01-01", ".inf"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), KEYS, VALUES)), st.sampled_from([HEAT, DATASET, JUDGE, PROFILE]))
def test_any_text_gives_problems(root: Path, rows: list[tuple[int, str, str]], file: str) -> None:
    kept = (root / file).read_bytes()
    (root / file).write_text("\n".join(f"{' ' * depth}{key}: {value}" for depth, key, value in rows), encoding="utf-8")
    problems = check_all(root)
    (root / file).write_bytes(kept)
    assert problems
    assert all(str(problem) for problem in problems)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_value_anywhere_gives_problems_or_none(root: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from([HEAT, MOOD, DATASET, TRADE, JUDGE, PROFILE]))
    kept = (root / file).read_text(encoding="utf-8")
    lines = kept.splitlines()
    i = data.draw(st.integers(0, len(lines) - 1))
    lines[i] = lines[i].split(": ")[0] + ": " + data.draw(VALUES | st.text(max_size=5))
    (root / file).write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    assert all(str(problem) for problem in check_all(root))
    (root / file).write_text(kept, encoding="utf-8")


def test_the_check_needs_no_heavy_library() -> None:
    code = "import json, sys, designer_configs.compile.check as c; c.check_all(); print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
    assert not {"pandas", "polars", "langgraph", "data_designer.interface"} & set(json.loads(done.stdout))
