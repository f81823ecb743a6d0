"""Every kind of answer that a row's reader meets: read with equal values, or refused with its cause."""

import json

import pytest

from jobs.reading.answer import Answer, Read, Refused, flatten_choice
from jobs.reading.mendings import ALL, MENDINGS
from jobs.reading.row import read_object
from tests.jobs.reading.rows import CONTEXT, OTHER_ROW, ROW, SCHEMA, TRADE, read, write

INNER = ROW[1:-1]
BARE_KEYS = ROW.replace('"ticker"', "ticker").replace('"trade_type"', "trade_type")
SINGLE = ROW.replace('"', "'")

READ = {
    "bare": (ROW, ()),
    "fence": (f"```json\n{ROW}\n```", ()),
    "fence_between_prose": (f"Here it is:\n```json\n{ROW}\n```\nDone.", ()),
    "fence_upper": (f"```JSON\n{ROW}\n```", ("fence",)),
    "fence_json5": (f"```json5\n{ROW}\n```", ("fence",)),
    "fence_no_language": (f"```\n{ROW}\n```", ("fence",)),
    "fence_tildes": (f"~~~json\n{ROW}\n~~~", ("fence",)),
    "fence_one_line": (f"```json {ROW} ```", ("fence",)),
    "fence_not_closed": (f"```json\n{ROW}\n", ("fence",)),
    "sign_apart": (ROW.replace("-0.977", "- 0.977"), ("blanks",)),
    "prose_before": (f"Sure, here is the trade: {ROW}", ("no_fence",)),
    "prose_after": (f"{ROW}\n\nIt keeps {{all}} the rules [1].", ("no_fence",)),
    "think_fence": (f"<think>Easy {{enough}}.</think>\n```json\n{ROW}\n```", ("thinking",)),
    "think_bare": (f"<think>It's easy.</think>\n{ROW}", ("thinking",)),
    "think_draft": (f"<think>Draft: {OTHER_ROW}</think>{ROW}", ("thinking",)),
    "think_draft_fence": (f"<think>\n```json\n{OTHER_ROW}\n```\nno, better\n</think>\n\n{ROW}", ("thinking",)),
    "think_draft_cut": (f"<think>Draft: {OTHER_ROW[:60]} hm</think>{ROW}", ("thinking",)),
    "think_only_closed": (f"Draft {OTHER_ROW}\n</think>\n\n{ROW}", ("thinking",)),
    "think_brackets": (f"[THINK]{OTHER_ROW}[/THINK]{ROW}", ("thinking",)),
    "harmony": (
        f"<|channel|>analysis<|message|>{OTHER_ROW}<|end|>\n"
        f"<|start|>assistant<|channel|>final<|message|>{ROW}<|return|>",
        ("channels",),
    ),
    "harmony_fence": (
        f"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>```json\n{ROW}\n```",
        ("channels",),
    ),
    "harmony_constrained": (f"<|channel|>final <|constrain|>json<|message|>{ROW}<|return|>", ("channels",)),
    "harmony_call": (
        f"<|channel|>commentary to=functions.trade <|constrain|>json<|message|>{ROW}<|call|>",
        ("channels",),
    ),
    "harmony_without_final": (
        f"<|channel|>analysis<|message|>{OTHER_ROW}<|end|><|start|>assistant{ROW}<|return|>",
        ("channels",),
    ),
    "harmony_without_tokens": (f"analysisWe need a trade {OTHER_ROW}.assistantfinal{ROW}", ("channels",)),
    "answer_tags": (f"I thought of {OTHER_ROW}.\n<answer>{ROW}</answer>", ("channels",)),
    "im_end": (f"{ROW}<|im_end|>", ("special_tokens",)),
    "eos": (f"{ROW}</s>", ("special_tokens",)),
    "eos_fence": (f"```json\n{ROW}\n```<|eot_id|>", ("special_tokens",)),
    "wrapped": (f'{{"trade": {ROW}}}', ("wrapper_key",)),
    "wrapped_with_note": (f'{{"trade": {ROW}, "note": "as asked"}}', ("wrapper_key",)),
    "wrapped_deep": (f'{{"response": {{"data": {{"trade": {ROW}}}}}}}', ("wrapper_key",)),
    "list_of_one": (f"[{ROW}]", ("list_of_one",)),
    "list_in_wrapper": (f'{{"trades": [{ROW}]}}', ("wrapper_key", "list_of_one")),
    "tool_call_tag": (
        f'<tool_call>\n{{"name": "trade", "arguments": {ROW}}}\n</tool_call>',
        ("special_tokens", "wrapper_key"),
    ),
    "json_string": (json.dumps(ROW), ("encoded",)),
    "json_string_fence": (f"```json\n{json.dumps(ROW)}\n```", ("encoded",)),
    "arguments_string": (json.dumps({"name": "t", "arguments": ROW}), ("encoded", "wrapper_key")),
    "bom": (f"\ufeff{ROW}", ("invisible",)),
    "zero_width_fence": (f"\u200b```json\n{ROW}\n```\u200b", ("invisible",)),
    "zero_width_inside": (ROW.replace(", ", ",\u200b "), ("invisible",)),
    "smart_quotes": (
        ROW.replace('": ', "\u201d: ").replace('", ', "\u201d, ").replace('"', "\u201c"),
        ("smart_quotes",),
    ),
    "trailing_comma": (f"{ROW[:-1]},\n}}", ("trailing_comma",)),
    "single_quotes": (SINGLE, ("single_quotes",)),
    "python": (f"{SINGLE[:-1]}, 'note': None, 'ok': True}}", ("single_quotes", "python_literals", "extra_keys")),
    "comments": (ROW.replace("{", "{ // the trade\n").replace("}", " /* end */ }"), ("comments",)),
    "javascript": (
        f"const trade = {BARE_KEYS};",
        ("no_fence", "bare_keys"),
    ),
    "upper_keys": (
        "{" + ", ".join(f'"{key.upper()}": {json.dumps(item)}' for key, item in TRADE.items()) + "}",
        ("key_spelling",),
    ),
    "camel_case": (ROW.replace("entry_time", "entryTime").replace("exit_price", "ExitPrice"), ("key_spelling",)),
    "title_keys": (ROW.replace("entry_time", "Entry Time").replace("trade_type", "Trade Type"), ("key_spelling",)),
    "markdown_keys": (ROW.replace("entry_time", r"entry\_time"), ("markdown_escapes",)),
    "extra_keys": (f'{ROW[:-1]}, "note": "quiet", "risk": 12:30}}', ("extra_keys",)),
    "twice_the_same": (f"{ROW}\n\nAgain: {ROW}", ("no_fence", "repeated")),
    "final_word": (f"Draft: {OTHER_ROW}\n\n**Final answer:**\n```json\n{ROW}\n```", ("marked_final",)),
    "object_then_schema": (f"{ROW}\n\nIt follows {json.dumps(SCHEMA)}", ("no_fence",)),
    "equal_keys_repeated": (f'{ROW[:-1]}, "ticker": "SIM4"}}', ()),
}

REFUSED = {
    "cut_in_last_number": (ROW[:-3], "not_closed"),
    "cut_in_text": (ROW[:60], "not_closed"),
    "cut_in_fence": (f"```json\n{ROW[:-1]}\n```", "not_closed"),
    "cut_wrapper": (f'{{"trade": {ROW}', "not_closed"),
    "cut_list": (f"[{ROW}, ", "not_closed"),
    "second_trade_inside": (f"{ROW[:-1]}, {OTHER_ROW[1:]}", "repeated_keys"),
    "second_trade_as_key": (f'{ROW[:-1]}, "next": {OTHER_ROW}}}', "several_objects"),
    "second_trade_bare": (f"{{{INNER}, {OTHER_ROW}}}", "several_objects"),
    "second_trade_numbered": (f'{ROW[:-1]}, "ticker_2": "SIM1"}}', "several_objects"),
    "repeated_key": (f'{ROW[:-1]}, "entry_price": 12.5}}', "repeated_keys"),
    "repeated_key_in_another_case": (f'{ROW[:-1]}, "Entry_Price": 12.5}}', "repeated_keys"),
    "two_objects": (f"{ROW}\n{OTHER_ROW}", "several_objects"),
    "two_fences": (f"```json\n{ROW}\n```\nor\n```json\n{OTHER_ROW}\n```", "several_objects"),
    "two_in_one_fence": (f"```json\n{ROW}\n{OTHER_ROW}\n```", "several_objects"),
    "final_then_alternative": (f"Final answer: {ROW}\nAlternatively: {OTHER_ROW}", "several_objects"),
    "two_final_channels": (
        f"<|channel|>final<|message|>{ROW}<|end|><|start|>assistant<|channel|>final<|message|>{OTHER_ROW}<|return|>",
        "several_objects",
    ),
    "both_final": (f"Final: {ROW}\nFinal: {OTHER_ROW}", "several_objects"),
    "not_final": (f"{ROW}\nThis is not final: {OTHER_ROW}", "several_objects"),
    "example_then_cut": (f"{ROW}\nExample: {OTHER_ROW[:70]}", "several_objects"),
    "a_good_one_and_a_bad_one": (f"{ROW}\n{write(entry_price=b'12.34 * 1.01')}", "several_objects"),
    "list_of_several": (f"[{ROW}, {OTHER_ROW}]", "several_objects"),
    "trades_by_number": (f'{{"trade_1": {ROW}, "trade_2": {OTHER_ROW}}}', "several_objects"),
    "schema_echoed": (json.dumps(SCHEMA), "schema_echoed"),
    "schema_echoed_cut": (json.dumps(SCHEMA)[:500], "schema_echoed"),
    "under_properties": (f'{{"type": "object", "properties": {ROW}}}', "schema_echoed"),
    "missing_field": (ROW.replace('"ticker"', '"symbol"'), "missing_field"),
    "yaml": ("\n".join(f"{key}: {item}" for key, item in TRADE.items()), "no_object"),
    "xml": ("<trade>" + "".join(f"<{key}>{item}</{key}>" for key, item in TRADE.items()) + "</trade>", "no_object"),
    "list_of_values": (json.dumps(list(TRADE.values())), "no_object"),
    "prose": ("The trader buys SIM4 at 09:41.", "no_object"),
    "address": ("https://example.com/trade.json", "no_object"),
    "ellipsis_item": (f"{ROW[:-1]}, ...}}", "not_json"),
    "empty": ("", "empty"),
    "only_thinking": ("<think>hm</think>", "no_object"),
}


@pytest.mark.parametrize("kind", READ)
def test_answer_is_read_with_equal_values(kind: str) -> None:
    text, mended = READ[kind]
    assert read(text) == Read(TRADE, mended)


@pytest.mark.parametrize("kind", REFUSED)
def test_answer_is_refused_with_its_cause(kind: str) -> None:
    text, cause = REFUSED[kind]
    refused = read(text)
    assert isinstance(refused, Refused)
    assert (refused.cause, refused.resend) == (cause, True)


def test_cut_at_max_tokens_is_told_from_an_object_that_the_model_left_open() -> None:
    cut = read(ROW[:-3], finish_reason="length")
    assert isinstance(cut, Refused)
    assert cut.cause == "cut"
    assert read(f"{ROW}\nand so on and", finish_reason="length") == Read(TRADE, ("no_fence",))


def test_refusal_is_named_and_not_sent_back() -> None:
    for answer in (read("I'm sorry, but I can't help with that."), read("", refusal="Not for me.")):
        assert isinstance(answer, Refused)
        assert (answer.cause, answer.resend) == ("refusal", False)


@pytest.mark.parametrize(("finish", "is_read"), [("stop", True), (None, True), ("length", False)])
def test_reasoning_is_read_where_nothing_else_was_said(finish: str | None, is_read: bool) -> None:
    answer = read("", reasoning=f"So the answer is {ROW}", finish_reason=finish)
    assert (answer == Read(TRADE, ("no_fence", "from_reasoning"))) is is_read
    draft = read("Here you are.", reasoning=ROW, finish_reason=finish)
    assert isinstance(draft, Refused)


def test_two_drafts_in_the_reasoning_are_refused() -> None:
    answer = read(None, reasoning=f"{ROW} or {OTHER_ROW}")
    assert isinstance(answer, Refused)
    assert answer.cause == "several_objects"


def test_thinking_tag_in_a_text_of_the_object_is_no_thinking() -> None:
    said = {"a": "x</think>{'a': '1', 'b': 'y'}", "b": "<think>"}
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
    }
    answer = read_object(Answer(f"Here: {json.dumps(said)}"), schema, context=CONTEXT)
    assert answer == Read(said, ("no_fence",))


@pytest.mark.parametrize(
    ("choice", "mended"),
    [
        ({"message": {"content": [{"type": "text", "text": ROW[:40]}, {"type": "text", "text": ROW[40:]}]}}, ()),
        ({"message": {"content": [{"type": "thinking", "thinking": OTHER_ROW}, {"type": "text", "text": ROW}]}}, ()),
        ({"message": {"content": [ROW]}}, ()),
        ({"text": ROW}, ()),
        ({"message": {"content": "", "reasoning": ROW}}, ("from_reasoning",)),
        ({"message": {"content": None, "tool_calls": [{"function": {"name": "t", "arguments": ROW}}]}}, ("tool_call",)),
        ({"message": {"tool_calls": [{"function": {"arguments": TRADE}}]}}, ("tool_call",)),
        ({"message": {"content": None, "function_call": {"arguments": ROW}}}, ("tool_call",)),
    ],
)
def test_message_is_flattened_whatever_its_parts(choice: dict[str, object], mended: tuple[str, ...]) -> None:
    assert read_object(flatten_choice(choice), SCHEMA, context=CONTEXT) == Read(TRADE, mended)


def test_mending_that_is_switched_off_refuses_what_needs_it() -> None:
    answer = Answer(f'{{"trade": {ROW}}}')
    refused = read_object(answer, SCHEMA, context=CONTEXT, mendings=ALL - {"wrapper_key"})
    assert isinstance(refused, Refused)
    assert refused.cause == "mending_off"
    assert MENDINGS["wrapper_key"] in refused.line


def test_optional_null_is_a_field_that_is_missing() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
    assert read_object(Answer('{"a": 1, "b": null}'), schema, context=CONTEXT) == Read({"a": 1}, ("null_as_missing",))


def test_nested_schema_is_mended_at_every_depth() -> None:
    leg = {
        "type": "object",
        "required": ["at", "price"],
        "properties": {"at": {"$ref": "#/$defs/time"}, "price": {"type": "number"}},
    }
    schema = {
        "type": "object",
        "required": ["legs"],
        "$defs": {"time": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"}},
        "properties": {
            "legs": {"type": "array", "items": leg},
            "stop": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
    }
    said = '{"Legs": [{"At": "9:35 AM", "price": "$5"}], "stop": "1.5"}'
    answer = read_object(Answer(said), schema, context=CONTEXT)
    assert isinstance(answer, Read)
    assert answer.value == {"legs": [{"at": "09:35", "price": 5}], "stop": 1.5}


def test_deep_nesting_and_many_beginnings_are_refused_soon() -> None:
    for text in ("[" * 5000, '{"a":' * 5000, "{" * 5000, '{"' * 5000, "{/*" * 2000, '"{\\"' * 2000):
        assert isinstance(read(text), Refused)
