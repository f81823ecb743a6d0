"""What is said of a `policy.yaml` that cannot be gone by."""

from pathlib import Path

import pytest

from designer_configs.compile.check import check_all

HEADER = "# yaml-language-server: $schema=../../designer_configs/schema/policy.schema.json\n"
POLICY = """\
limits: {stop: 2}
rules:
  - {name: low, when: "{{ entry_price < limits.stop }}", decide: deny, fields: [entry_price], message: "{{ mood }}"}
  - {name: word, find: "no(w)?", in: ticker, decide: review, message: says so}
  - {name: both, together: [[buy*], [now]], unless: [never], in: [ticker], decide: deny, message: says both}
"""


def check(root: Path, text: str, dataset: str = "") -> list[str]:
    folder = root / "columns" / "log"
    (folder / "policy.yaml").write_text(HEADER + text)
    declared = folder / "dataset.yaml"
    declared.write_text(declared.read_text() + dataset)
    return [str(problem) for problem in check_all(root)]


def test_a_sound_policy(root: Path) -> None:
    assert check(root, POLICY, "policy: trade_checks\n") == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("entry_price <", "entry_cost <", "entry_cost is no field, column or control; did you mean"),
        ("{{ mood }}", "{{ moot }}", "moot is no field, column or control; did you mean mood?"),
        ("{{ entry_price < limits.stop }}", "entry_price", "a condition has its braces"),
        ("entry_price < limits", "entry_price < < limits", "not a valid condition"),
        ("no(w)?", "no(w", "not a valid regular expression"),
        ("in: ticker", "in: tickr", "there is no tickr; did you mean ticker?"),
        ("fields: [entry_price]", "fields: [price]", "there is no price"),
        ("name: both", "name: low", "rules.0 has the name low already"),
        ("decide: review", "decide: allow", "must be one of deny, review"),
        ("find: ", "when: '{{ mood }}', find: ", "must have one of when, find and together"),
        (", in: ticker", "", "in, which is missing"),
        ("unless: [never]", "unles: [never]", "unknown key; did you mean unless?"),
    ],
)
def test_problem_of_a_policy(root: Path, old: str, new: str, said: str) -> None:
    (problem, *_) = check(root, POLICY.replace(old, new, 1), "policy: trade_checks\n")
    assert problem.startswith("columns/log/policy.yaml:")
    assert said in problem


def test_a_gate_that_is_no_check(root: Path) -> None:
    (problem,) = check(root, POLICY, "policy: trade_check\n")
    assert "policy: must be one of the checks; did you mean trade_checks?" in problem


def test_a_gate_without_a_policy(root: Path) -> None:
    dataset = root / "columns" / "log" / "dataset.yaml"
    dataset.write_text(dataset.read_text() + "policy: trade_checks\n")
    (problem,) = check_all(root)
    assert "there is no columns/log/policy.yaml: write it" in str(problem)
