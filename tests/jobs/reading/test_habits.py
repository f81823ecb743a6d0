"""Habits of chat templates, servers and models beyond the first tables: read with equal values, or refused."""

import json
from typing import Any

import pytest

from jobs.reading.answer import Read, Refused
from tests.jobs.reading import test_judgement, test_refinement
from tests.jobs.reading.rows import OTHER_ROW, ROW, SCHEMA, TRADE, read, write

INNER, PRETTY = ROW[1:-1], json.dumps(TRADE, indent=2)

READ = {
    "think_upper": f"<THINK>{OTHER_ROW}</THINK>\n{ROW}",
    "think_attribute": f'<think duration="3s">{OTHER_ROW}</think>{ROW}',
    "think_nested": f"<think>a <think>{OTHER_ROW}</think> b</think>{ROW}",
    "think_twice": f"<think>{OTHER_ROW}</think>\nok\n<think>hm</think>{ROW}",
    "think_empty": f"<think>\n\n</think>\n\n{ROW}",
    "think_not_closed": f"<think>{ROW}",
    "thought": f"<thought>{OTHER_ROW}</thought>{ROW}",
    "ant_thinking": f"<antThinking>{OTHER_ROW}</antThinking>{ROW}",
    "internal_monologue": f"<internal_monologue>{OTHER_ROW}</internal_monologue>{ROW}",
    "thought_process": f"<thought_process>{OTHER_ROW}</thought_process>{ROW}",
    "seed_think": f"<seed:think>{OTHER_ROW}</seed:think>{ROW}",
    "kimi": f"◁think▷{OTHER_ROW}◁/think▷{ROW}",
    "cohere": f"<|START_THINKING|>{OTHER_ROW}<|END_THINKING|><|START_RESPONSE|>{ROW}<|END_RESPONSE|>",
    "gemma_channel": f"<|channel>thought\n{OTHER_ROW}<channel|>{ROW}",
    "solution": (f"<|begin_of_thought|>{OTHER_ROW}<|end_of_thought|><|begin_of_solution|>{ROW}<|end_of_solution|>"),
    "no_think_switch": f"/no_think\n{ROW}",
    "result_tags": f"<result>{ROW}</result>",
    "cdata": f"<trade><![CDATA[{ROW}]]></trade>",
    "boxed": f"\\boxed{{{ROW}}}",
    "backtick": f"`{ROW}`",
    "fence_of_four": f"````json\n{ROW}\n````",
    "fence_in_list": f"1. ```json\n   {ROW}\n   ```",
    "fence_crlf": f"```json\r\n{ROW}\r\n```\r\n",
    "fence_with_title": f'```json title="trade.json"\n{ROW}\n```',
    "fence_python": f"```python\ntrade = {ROW}\nprint(trade)\n```",
    "fence_twice": f"```json\n```json\n{ROW}\n```\n```",
    "fence_with_prose": f"```json\nHere is the object:\n{ROW}\n```",
    "html_pre": f"<pre><code>{ROW}</code></pre>",
    "word_before": f"json\n{ROW}",
    "role_before": f"<|im_start|>assistant\n{ROW}<|im_end|>\n",
    "llama_header": f"<|start_header_id|>assistant<|end_header_id|>\n\n{ROW}<|eot_id|>",
    "python_tag": f'<|python_tag|>{{"name": "trade", "parameters": {ROW}}}<|eom_id|>',
    "tool_calls": f'[TOOL_CALLS] [{{"name": "trade", "arguments": {ROW}}}]',
    "functools": f'functools[{{"name": "trade", "arguments": {ROW}}}]',
    "function_tag": f"<function=trade>{ROW}</function>",
    "padding": f"{ROW}<pad><pad><|endoftext|>",
    "null_bytes": f"{ROW}\x00\x00",
    "colours": f"\x1b[32m{ROW}\x1b[0m",
    "no_break_indent": PRETTY.replace("  ", "\u00a0\u00a0"),
    "one_brace_more": f"```json\n{ROW}}}\n```",
    "double_braces": f"{{{ROW}}}",
    "schema_first": f"{json.dumps(SCHEMA)}\n{ROW}",
    "example_beside": f'{{"example": {OTHER_ROW}, "trade": {ROW}}}',
    "previous_beside": f'{{"prev_trade": {OTHER_ROW}, "trade": {ROW}}}',
    "fence_in_text": json.dumps({"answer": f"```json\n{ROW}\n```"}),
    "list_of_texts": json.dumps([ROW]),
    "message": json.dumps({"role": "assistant", "content": ROW}),
    "error_null": json.dumps({"error": None, "result": TRADE}),
    "same_twice_apart": f"{ROW}\n{write(entry_price='1013.31')}",
    "final_heading": f"Draft:\n{OTHER_ROW}\n\n### Final JSON\n{ROW}",
    "comment_with_doubt": PRETTY.replace('"SIM4",', '"SIM4", // could be SIM1'),
    "exponent": write(entry_price="1.01331E+3"),
    "zeros_behind": write(entry_price=b"1013.3100"),
    "moment_with_zone": write(entry_time="2024-10-22T09:41:00.000-04:00"),
    "escaped_key": ROW.replace("ticker", "\\u0074icker"),
    "key_with_blank": ROW.replace('"entry_time"', '"entry_time "'),
    "apology_behind": f"{ROW}\nI'm sorry, I cannot verify prices.",
}

REFUSED: dict[str, tuple[str, str]] = {
    "draft_in_words": (f"**Thinking:** {OTHER_ROW}\n\n**Answer:** {ROW}", "several_objects"),
    "next_turn": (f"{ROW}<|im_end|>\n<|im_start|>user\nThanks<|im_end|>\n{OTHER_ROW}", "several_objects"),
    "rounded_again": (f"{ROW}\n{write(entry_price=1013.3)}", "several_objects"),
    "corrected": (f"{OTHER_ROW}\nWait, that is wrong. Corrected:\n{ROW}", "several_objects"),
    "two_options": (f"Option A: {ROW}\nOption B: {OTHER_ROW}", "several_objects"),
    "html_quotes": (ROW.replace('"', "&quot;"), "no_object"),
    "semicolons": (ROW.replace(", ", "; "), "not_json"),
    "no_commas": (PRETTY.replace(",\n", "\n"), "not_json"),
    "equal_signs": (ROW.replace(": ", " = "), "no_object"),
    "call": (f"Trade({', '.join(f'{key}={value!r}' for key, value in TRADE.items())})", "no_object"),
    "table": (f"|{'|'.join(TRADE)}|\n|{'|'.join(map(str, TRADE.values()))}|", "no_object"),
    "pairs": (json.dumps([[key, value] for key, value in TRADE.items()]), "no_object"),
    "opening_brace_missing": (f"{INNER}}}", "no_object"),
    "nested_by_side": (
        json.dumps({key: value for key, value in TRADE.items() if key[:5] != "entry"} | {"entry": {"time": "09:41"}}),
        "missing_field",
    ),
    "field_misspelt": (ROW.replace('"entry_time"', '"entery_time"'), "missing_field"),
    "half_a_character": (ROW.replace("SIM4", "SIM4\\ud83d"), "bad_value"),
    "cut_in_key": (ROW[: ROW.index('"best') + 8], "not_closed"),
    "cut_behind_colon": (ROW[: ROW.index('"best') + 20], "not_closed"),
    "rest_left_out": ('{"ticker": "SIM4", "trade_type": "buy", ...}', "not_json"),
}

NO_VALUE: list[tuple[str, Any]] = [
    *(("ticker", said) for said in ("<ticker>", "{{ticker}}", "[TICKER]", "...", "\u2026", "___", "??")),
    *(("entry_price", said) for said in ("1013.31-1014", "~1013.31", "USD 1013.31", "\u20ac1013.31", "1'013.31")),
    *(("entry_price", said) for said in ("1013\u00bd", {"value": 1013.31}, b"1013.31.0", b"1e400")),
    *(("worst_exit_percent", said) for said in ("0.977-", "(0.977)", "-97.7 bps", "-0.977 pct")),
    *(("entry_time", said) for said in ("13:41:00Z", "9:41 in the morning", "09:41:00-09:52:27", "24:00:00")),
    *(("entry_time", said) for said in ("09:41:60", 34860, "T09:41:00", "2024-10-22T13:41:00+00:00", "'09:41:00'")),
    *(("trade_type", said) for said in ("bullish", "B", "buy (long)", 1, "buy.")),
]

SCORES: dict[Any, int | None] = {
    **dict.fromkeys(("4 of 5", "four out of five", "4.0/5.0", "4/5.0", "(4)", "[4]", "'4'", "4 points"), 4),
    **dict.fromkeys(("80%", 0.8, "4+", "~4", ">=4", "4?", "4|5", "4->5", "was 3, now 4", "4 (was 3)", "8/10")),
    **dict.fromkeys(("****", "4th", "4 of ten", "4e0", "N/A", "pass", "4 - Doubtful.", 4.0000001)),
}
REALISM, CONSISTENCY = test_judgement.REALISM, test_judgement.CONSISTENCY
JUDGED: dict[str, tuple[Any, bool]] = {
    "numbered": ({"1. Realism": REALISM, "2. Consistency": CONSISTENCY}, True),
    "bold": ({"**Realism**": REALISM, "**Consistency**": CONSISTENCY}, True),
    "overall_beside": (test_judgement.MEANT | {"score": 2, "overall": 1}, True),
    "previous_beside": ({"previous": {"realism": 1, "consistency": 1}, **test_judgement.MEANT}, True),
    "row_before": (f'{{"ticker": "SIM4"}}\n{json.dumps(test_judgement.MEANT)}', True),
    "confidence": ({name: one | {"confidence": 0.9} for name, one in test_judgement.MEANT.items()}, True),
    "by_number": ({"criterion_1": REALISM, "criterion_2": CONSISTENCY}, False),
    "scores_alone": ([4, 5], False),
    "other_language": ({"Realismus": 4, "Konsistenz": 5}, False),
    "half_a_character": (json.dumps(test_judgement.MEANT).replace("Fits", "Fits \\ud83d"), False),
}

CHANGE, CHANGED = {"best_exit_percent": 1.5}, test_refinement.CHANGED
EDIT = {"field": "best_exit_percent", "from": 0.902, "to": 1.5}
REFINED: dict[str, tuple[Any, bool]] = {
    "prompt's_own_names": ({"prev_trade": TRADE, "refined_trade": CHANGED}, True),
    "critique_echoed": ({"critique": {"best_exit_percent": "too low"}, "trade": CHANGED}, True),
    "reasons_by_field": ({**CHANGE, "reasons": {"best_exit_percent": "below the exit"}}, True),
    "row_and_its_edits": ({"trade": CHANGED, "changes": [EDIT]}, True),
    "row_and_other_edits": ({"trade": CHANGED | {"worst_exit_percent": -2.0}, "changes": [EDIT]}, False),
    "loud_patch": ([{"op": "REPLACE", "path": "/best_exit_percent", "value": 1.5}], True),
    "path_from_root": ([{"op": "replace", "path": "$.best_exit_percent", "value": 1.5}], True),
    "unknown_operation": ([{"op": "set", "path": "/best_exit_percent", "value": 1.5}], False),
    "arrow": ({"best_exit_percent": "0.902 -> 1.5"}, False),
    "nothing_changed": ({"changes": []}, False),
    "words_for_unchanged": ({**dict.fromkeys(TRADE, "unchanged"), **CHANGE}, False),
    "two_parts": (f'{json.dumps(CHANGE)}\n{{"worst_exit_percent": -2.0}}', False),
    "row_before_and_after": ([TRADE, CHANGED], False),
    "sum": ('{"best_exit_percent": 0.902 + 0.598}', False),
}


@pytest.mark.parametrize("kind", READ)
def test_answer_is_read_with_equal_values(kind: str) -> None:
    answer = read(READ[kind])
    assert isinstance(answer, Read)
    assert answer.value == TRADE


@pytest.mark.parametrize("kind", REFUSED)
def test_answer_is_refused_with_its_cause(kind: str) -> None:
    text, cause = REFUSED[kind]
    answer = read(text)
    assert isinstance(answer, Refused)
    assert answer.cause == cause


@pytest.mark.parametrize(("field", "said"), NO_VALUE)
def test_value_that_is_none_is_refused(field: str, said: Any) -> None:
    answer = read(write(**{field: said}))
    assert isinstance(answer, Refused)
    assert (answer.cause, field in answer.line) == ("bad_value", True)


@pytest.mark.parametrize("said", SCORES)
def test_score_is_read_or_refused(said: Any) -> None:
    answer = test_judgement.read({"realism": {"reasoning": "", "score": said}, "consistency": CONSISTENCY})
    assert (answer.value["realism"]["score"] if isinstance(answer, Read) else None) == SCORES[said]


@pytest.mark.parametrize("kind", JUDGED)
def test_judgement_is_read_or_refused(kind: str) -> None:
    said, is_read = JUDGED[kind]
    answer = test_judgement.read(said)
    assert isinstance(answer, Read) is is_read
    assert not isinstance(answer, Read) or [one["score"] for one in answer.value.values()] == [4, 5]


@pytest.mark.parametrize("kind", REFINED)
def test_refinement_is_read_or_refused(kind: str) -> None:
    said, is_read = REFINED[kind]
    answer = test_refinement.read(said)
    assert isinstance(answer, Read) is is_read
    assert not isinstance(answer, Read) or answer.value == CHANGED
