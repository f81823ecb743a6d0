"""The closed table of what a value may look like: read as the one value it can mean, or refused."""

import json
from typing import Any

import pytest

from jobs.reading.answer import Answer, Context, Read, Refused
from jobs.reading.row import read_object
from tests.jobs.reading.rows import TRADE, read, write

MENDED: list[tuple[str, Any, Any, str]] = [
    ("entry_price", "1013.31", 1013.31, "number_as_text"),
    ("entry_price", "1013", 1013, "number_as_text"),
    ("entry_price", "$1013.31", 1013.31, "dollar_sign"),
    ("entry_price", b"$1013.31", 1013.31, "dollar_sign"),
    ("entry_price", "1,013.31", 1013.31, "thousands_separators"),
    ("entry_price", "$1,013.31", 1013.31, "dollar_sign thousands_separators"),
    ("entry_price", "1,013", 1013, "thousands_separators"),
    ("entry_price", "1,013,310", 1013310, "thousands_separators"),
    ("best_exit_percent", "0.902%", 0.902, "percent_sign"),
    ("best_exit_percent", "0.902 %", 0.902, "percent_sign"),
    ("best_exit_percent", b"0.902%", 0.902, "percent_sign"),
    ("best_exit_percent", "+0.902", 0.902, "plus_sign"),
    ("best_exit_percent", b"+0.902", 0.902, "plus_sign"),
    ("best_exit_percent", b".902", 0.902, "leading_point"),
    ("worst_exit_percent", "\u22120.977", -0.977, "unicode_minus"),
    ("worst_exit_percent", b"\xe2\x88\x920.977", -0.977, "unicode_minus"),
    ("worst_exit_percent", "\u20130.977%", -0.977, "unicode_minus percent_sign"),
    ("worst_exit_percent", "- 0.977", -0.977, "blanks"),
    ("worst_exit_percent", b"- 0.977", -0.977, "blanks"),
    ("entry_time", "9:41 AM", "09:41:00", "am_pm time_without_seconds"),
    ("entry_time", "9:41am", "09:41:00", "am_pm time_without_seconds"),
    ("entry_time", "09:41", "09:41:00", "time_without_seconds"),
    ("entry_time", "9:41:00", "09:41:00", "short_hour"),
    ("entry_time", "09:41:00.000", "09:41:00", "fraction_of_second"),
    ("entry_time", "09:41:00.482", "09:41:00", "fraction_of_second"),
    ("entry_time", "2024-10-22T09:41:00", "09:41:00", "moment_of_session"),
    ("entry_time", "2024-10-22 09:41:00", "09:41:00", "moment_of_session"),
    ("entry_time", "2024-10-22T09:41:00-04:00", "09:41:00", "moment_of_session time_zone"),
    ("entry_time", "09:41:00 ET", "09:41:00", "time_zone"),
    ("entry_time", "9:41 a.m. (EDT)", "09:41:00", "am_pm time_without_seconds time_zone"),
    ("entry_time", b"09:41:00", "09:41:00", "unquoted_time"),
    ("exit_time", "3:52:27 PM", "15:52:27", "am_pm"),
    ("exit_time", "15:52:27 PM", "15:52:27", "am_pm"),
    ("exit_time", "12:05 PM", "12:05:00", "am_pm time_without_seconds"),
    ("exit_time", "12:05 AM", "00:05:00", "am_pm time_without_seconds"),
    ("trade_type", "Buy", "buy", "letter_case"),
    ("trade_type", "SHORT", "short", "letter_case"),
    ("trade_type", " buy ", "buy", "blanks"),
    ("trade_type", "LONG", "buy", "synonym"),
    ("trade_type", "Sell Short", "short", "synonym"),
    ("ticker", "sim4", "SIM4", "letter_case"),
    ("ticker", "$SIM4", "SIM4", "dollar_sign"),
    ("ticker", " SIM4", "SIM4", "blanks"),
    ("ticker", "SIM 4", "SIM4", "blanks"),
    ("ticker", "SIM9", "SIM9", ""),
]

NOT_MENDED: list[tuple[str, Any]] = [
    *(("entry_price", said) for said in (b"12.34 * 1.01", b"12 3/4", b"3/4", b"(0.59)", b"NaN", b"Infinity", b"1e999")),
    *(
        ("entry_price", said)
        for said in (b"...", b"1 234.56", b"1,234.56", b"0x1F", b"1_000", b"012", b"5.", b"--5", "10\u200b13")
    ),
    *(("entry_price", said) for said in ("12.34 * 1.01", "12 3/4", "1 234.56", "(0.59)", "NaN", "inf", "-", "$", "%")),
    *(("entry_price", said) for said in ("12,34", "0,362", "1,23,456", "1013,310", "12.3.4", "12-13", "~12", "5 USD")),
    *(
        ("entry_price", said)
        for said in ("12%", "", None, True, [1013.31], {"value": 1013.31}, "1013.31 (approx)", "5.")
    ),
    *(("best_exit_percent", said) for said in ("$0.9", "0.9%%", "+-0.9", "1e999", "0.9 percent")),
    *(
        ("entry_time", said)
        for said in ("9.41", "0941", "25:10:00", "09:61:00", "13:41 AM", "0:41 PM", "9h41", 941, "")
    ),
    *(
        ("entry_time", said)
        for said in ("2024-10-23T09:41:00", "2024-10-22T09:41:00Z", "09:41 PST", "10/22/2024 09:41")
    ),
    *(("trade_type", said) for said in ("sell", "buy or short", "b", "", None, b"buy", ["buy"])),
    *(("ticker", said) for said in ("", None, 4, b"SIM4")),
]


@pytest.mark.parametrize(("field", "said", "meant", "mended"), MENDED)
def test_value_is_mended_to_the_one_it_can_mean(field: str, said: Any, meant: Any, mended: str) -> None:
    answer = read(write(**{field: said}))
    assert isinstance(answer, Read)
    assert answer.value == TRADE | {field: meant}
    assert set(answer.mended) - {"number_as_text"} == set(mended.split()) - {"number_as_text"}
    assert ("number_as_text" in answer.mended) == (isinstance(said, str) and isinstance(meant, (int, float)))


@pytest.mark.parametrize(("field", "said"), NOT_MENDED)
def test_value_that_could_mean_something_else_is_refused(field: str, said: Any) -> None:
    answer = read(write(**{field: said}))
    assert isinstance(answer, Refused)
    assert answer.cause in ("bad_value", "not_json")
    assert field in answer.line


def test_comma_alone_is_no_thousands_separator_where_no_other_number_has_a_point() -> None:
    numbers = {key: "1,013" for key, value in TRADE.items() if isinstance(value, float)}
    assert isinstance(read(write(**numbers)), Refused)


def test_line_says_what_the_field_takes_and_what_it_was_given() -> None:
    lines = {
        "ticker must not be empty.": write(ticker=""),
        'trade_type must be one of buy, short; found "sell".': write(trade_type="sell"),
        'entry_time must be a time of day HH:MM:SS in quotes; found "morning".': write(entry_time="morning"),
        "entry_price must be a plain number; found 12.34 * 1.01.": write(entry_price=b"12.34 * 1.01"),
        "exit_price must be a plain number; found null.": write(exit_price=None),
        "exit_price must be at most 1000000000000.0; found 1e+300.": write(exit_price=1e300),
    }
    for line, text in lines.items():
        assert read(text) == Refused("bad_value", line)


@pytest.mark.parametrize("said", ["propose trade", "Propose-Trade", "PROPOSE  TRADE"])
def test_known_value_is_read_whatever_parts_its_words(said: str) -> None:
    schema = {"type": "object", "required": ["intent"], "properties": {"intent": {"enum": ["propose_trade", "refuse"]}}}
    answer = read_object(Answer(json.dumps({"intent": said})), schema, context=Context())
    assert isinstance(answer, Read)
    assert (answer.value, answer.mended) == ({"intent": "propose_trade"}, ("value_spelling",))


@pytest.mark.parametrize("said", ["a b", "A_B"])
def test_word_that_two_known_values_can_be_is_refused(said: str) -> None:
    schema = {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["a-b", "a__b"]}}}
    answer = read_object(Answer(json.dumps({"kind": said})), schema, context=Context())
    assert isinstance(answer, Refused)


def test_bound_that_excludes_its_end_is_said_in_words() -> None:
    schema = {"type": "object", "required": ["stop"], "properties": {"stop": {"type": "number", "exclusiveMinimum": 0}}}
    answer = read_object(Answer('{"stop": -1}'), schema, context=Context())
    assert isinstance(answer, Refused)
    assert answer.line == "stop must be above 0; found -1."
