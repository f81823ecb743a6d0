from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designer_configs.compile.checks.yaml_source import MAX_VALUES, YamlSource, load_yaml


def load(folder: Path, content: str | bytes) -> YamlSource:
    path = folder / "x.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_yaml(path, "x.yaml")


def test_data_and_lines(tmp_path: Path) -> None:
    source = load(tmp_path, "a: 1\nb:\n  c: [x, y]\n  d:\n    - 2.5\n    - null\n")
    assert source.data == {"a": 1, "b": {"c": ["x", "y"], "d": [2.5, None]}}
    assert source.problems == ()
    assert {path: source.find_line(path) for path in [("a",), ("b",), ("b", "c", 1), ("b", "d", 1)]} == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c", 1): 3,
        ("b", "d", 1): 6,
    }


def test_the_line_of_a_missing_key_is_that_of_its_parent(tmp_path: Path) -> None:
    assert load(tmp_path, "a: 1\nb:\n  c: 2\n").find_line(("b", "nothing", 3)) == 2


def test_a_line_within_a_literal_block(tmp_path: Path) -> None:
    source = load(tmp_path, "a: |\n  first\n  second\nb: one line\n")
    assert (source.find_line(("a",), 2), source.find_line(("b",), 2)) == (3, 4)


def test_keys_are_text(tmp_path: Path) -> None:
    assert load(tmp_path, "1: a\non: b\n2.50: c\n").data == {"1": "a", "on": "b", "2.50": "c"}


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbfa: 1\n").data == {"a": 1}


def test_an_alias_is_a_copy(tmp_path: Path) -> None:
    assert load(tmp_path, "a: &x {b: 1}\nc: *x\n").data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "x.yaml:1: must be a mapping of keys to values; the file is empty"),
        ("# nothing\n", "x.yaml:1: must be a mapping of keys to values; the file is empty"),
        ("- a\n", "x.yaml:1: must be a mapping of keys to values; found a list"),
        ("hello\n", "x.yaml:1: must be a mapping of keys to values; found a single value"),
        ("a:\n\tb: 1\n", "x.yaml:2: a tab: YAML is indented with spaces only"),
        (b"a: 1\nb: \xff\n", "x.yaml:2: byte 0xff is not UTF-8: save the file as UTF-8"),
        ("a: 1\nb: \x07\n", "x.yaml:2: the character U+0007 is not allowed in YAML"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: a: duplicate key; it stands in line 1 already: keep one"),
        ("a: {b: 1,\n  b: 2}\n", "x.yaml:2: a.b: duplicate key; it stands in line 1 already: keep one"),
        (
            "a: 1\nb: !!python/object/apply:os.getcwd []\n",
            "x.yaml:2: b: the tag !!python/object/apply:os.getcwd is not allowed",
        ),
        ("a: !mine x\n", "x.yaml:1: a: the tag !mine is not allowed"),
        ("a: &x [1, *x]\n", "x.yaml:1: a.1: refers to itself"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "x.yaml:2: c: '<<': merge keys are not read: write the keys out"),
        ("? [a, b]\n: 1\n", "a key must be plain text"),
        ("a: 2025-13-45\n", "x.yaml:1: a: '2025-13-45' is no value: put it in quotes if it is text"),
        ('a: "\\ud800"\n', "is no value: put it in quotes if it is text"),
        ("a: 1\n--- \nb: 2\n", "x.yaml:2: not valid YAML: but found another document"),
        ("a: [1\nb: 2\n", "x.yaml:2: not valid YAML: "),
        ("a: *nobody\n", "x.yaml:1: not valid YAML: found undefined alias 'nobody'"),
        ("a: " + "[" * 5000, "x.yaml: nested too deeply"),
    ],
)
def test_problem(tmp_path: Path, content: str | bytes, problem: str) -> None:
    (found,) = load(tmp_path, content).problems
    assert problem in str(found)


def test_aliases_of_aliases_do_not_explode(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    (problem,) = load(tmp_path, "\n".join(rows)).problems
    assert problem.message == f"has more than {MAX_VALUES} values"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    source = load_yaml(tmp_path / "no.yaml", "no.yaml")
    assert [str(problem) for problem in source.problems] == ["no.yaml: cannot be read: No such file or directory"]


def test_every_problem_is_listed(tmp_path: Path) -> None:
    source = load(tmp_path, "a: 1\na: 2\nb: !x 1\nc: {d: 1, d: 2}\n")
    assert [(problem.line, problem.path) for problem in source.problems] == [(2, "a"), (3, "b"), (4, "c.d")]


def test_a_key_in_a_broken_line_is_not_repeated(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, 'provider:\n  api_key_env: "nvapi-SECRET\n').problems
    assert "SECRET" not in str(problem)


YAML_TEXT = st.text(st.sampled_from("ab:-{}[]&*!|>'\"#%@<,.?1 \n\t~\\"), max_size=40) | st.text(max_size=40)


@given(YAML_TEXT)
def test_any_text_gives_data_or_problems(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    source = load(tmp_path_factory.getbasetemp(), content.encode("utf-8", "surrogatepass"))
    assert (source.data is not None) or source.problems
    assert all(str(problem).encode() for problem in source.problems)
