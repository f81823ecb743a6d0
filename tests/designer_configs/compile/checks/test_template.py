import pytest
from hypothesis import given
from hypothesis import strategies as st

from designer_configs.compile.checks.template import check_template, find_columns


def test_a_good_template() -> None:
    text = "{% if price > 3 %}{{ price | round(2) }}{% endif %}\n{% for x in rows %}{{ x.name }}{% endfor %}"
    assert check_template(text, ["price", "rows"]) == []
    assert find_columns(text) == {"price", "rows"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a\nprice {price}", 2, "{price} is plain text to Data Designer: write {{ price }}"),
        ("{ price.x }", 1, "{price.x} is plain text to Data Designer: write {{ price.x }}"),
        ("a\n\n{{ prise }}", 3, "the column prise does not exist; did you mean price? known: price, rows"),
        ("{{ judge }}", 1, "the column judge is made only afterwards; known: price, rows"),
        ("{{ price", 1, "not a valid Jinja template: "),
        ("a\n{% if price %}", 2, "not a valid Jinja template: "),
        ("a\n{{ rows | tojson }}", 2, "Data Designer has no filter tojson; "),
        ("{{ price | rnd }}", 1, "Data Designer has no filter rnd; did you mean round? "),
        ("{{ price is evn }}", 1, "Data Designer has no test evn; did you mean even? "),
        ("{% set a = price %}{{ a }}", 1, "Data Designer refuses the template: "),
        (
            "{% for a in rows %}{% for b in rows %}{{ b }}{% endfor %}{% endfor %}",
            1,
            "Data Designer refuses the template",
        ),
    ],
)
def test_problem(text: str, line: int, message: str) -> None:
    (found,) = check_template(text, ["price", "rows"], {"judge": "is made only afterwards"})
    assert found[0] == line
    assert found[1].startswith(message)


def test_every_problem_is_listed() -> None:
    found = check_template("{x}\n{{ y }}\n{{ z | tojson }}\n{{ price is odd_ }}", ["price"])
    assert [line for line, _ in found] == [1, 2, 3, 3, 4]


@pytest.mark.parametrize(
    "text", ['{"ticker": "A"}', "{1}", "{}", "{{ price }}", "{% if price %}{# {x: 1} #}{% endif %}"]
)
def test_braces_that_are_meant(text: str) -> None:
    assert check_template(text, ["price"]) == []


def test_a_condition_has_all_filters_but_needs_its_braces() -> None:
    assert check_template("{{ rows | tojson | length > 2 }}", ["rows"], condition=True) == []
    assert check_template("not rows.passed", ["rows"], condition=True) == [
        (1, "names no column: a condition has its braces, such as {{ not trade_checks.passed }}")
    ]


@given(st.text(st.sampled_from("{}%#|. ab(1'\n-"), max_size=30))
def test_any_text_gives_findings(text: str) -> None:
    assert all(line >= 1 for line, _ in check_template(text, ["a"]))
    assert all(line >= 1 for line, _ in check_template(text, ["a"], condition=True))
