"""Numbers as people's computers write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gold_data.errors import GoldError
from gold_data.importers.numerals import DecimalMark, find_mark, read_number


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("20.10", ".", "20.10"),
        (".50", ".", "0.50"),
        ("+1,200", ".", "1200"),
        ("($2.00)", ".", "-2.00"),
        ("-$1,126.02", ".", "-1126.02"),
        ("$-3", ".", "-3"),
        ("1.234,56 €", ",", "1234.56"),
        ("-$ 200,00", ",", "-200.00"),
        ("0,20 %", ",", "0.20"),
        ("1\u202f234,5", ",", "1234.5"),
        ("1'234.5", ".", "1234.5"),
    ],
)
def test_numbers(text: str, mark: DecimalMark, number: str) -> None:
    assert read_number(text, mark) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ".",
        "~",
        "nan",
        "inf",
        "1e5",
        "1,23.4",
        "1,2345",
        ",100",
        "1.2.3",
        "--1",
        "(-498)",
        "1-2",
        "٣",
        "1" * 13,
    ],
)
def test_texts_that_are_no_numbers(text: str) -> None:
    assert read_number(text, ".") is None


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["20.10", "1,234"], "."),
        (["20,10", "1.234"], ","),
        (["1,234.5"], "."),
        (["1.234,5"], ","),
        (["1,234,567"], "."),
        (["0,125"], ","),
        (["1.234", "17"], "."),
        (["~", "soon"], "."),
    ],
)
def test_the_mark_is_found(texts: list[str], mark: str) -> None:
    assert find_mark("log.csv", enumerate(texts, start=2), splits_at_comma=False) == mark


def test_two_marks_in_one_file() -> None:
    with pytest.raises(GoldError, match=r"line 2 has '20\.5' with a decimal point and line 3 has '20,5'"):
        find_mark("log.csv", [(2, "20.5"), (3, "20,5")], splits_at_comma=False)


def test_a_thousand_or_a_fraction() -> None:
    with pytest.raises(GoldError, match="either a thousand or a fraction"):
        find_mark("log.csv", [(2, "1,234")], splits_at_comma=False)
    assert find_mark("log.csv", [(2, "1,234")], splits_at_comma=True) == "."


@given(st.decimals(-(10**9), 10**9, places=3), st.sampled_from([".", ","]))
def test_a_number_is_read_as_it_was_written(number: Decimal, mark: DecimalMark) -> None:
    text = f"{number:,}"
    if mark == ",":
        text = text.translate(str.maketrans(".,", ",."))
    assert read_number(text, mark) == number


@given(st.text(), st.sampled_from([".", ","]))
def test_any_text_is_a_number_or_none(text: str, mark: DecimalMark) -> None:
    number = read_number(text, mark)
    assert number is None or abs(number) < 10**12
    assert find_mark("log.csv", [(2, text)], splits_at_comma=True) in (".", ",")
