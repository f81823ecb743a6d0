"""Files for fine-tuning: pairs by split, preferences, a grammar that takes them, and Ollama's prompt byte for byte."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from jinja2 import Template
from jsonschema import Draft202012Validator

from designer_configs.compile.profile import load_profile
from exports.errors import ExportError
from exports.finetuning import FIELDS, write, write_grammar
from exports.finished_run import FinishedRun
from exports.ollama import SYSTEM, build_answer_schema, write_body, write_modelfile, write_template

STRATEGY = '{"ticker":"IBM","position_type":"LONG","buy_condition":{"less":[{"RSI":{}},30]},"stop_loss":{"percent":2}}'
QUESTION = '{"unresolved": ["$.stop_loss.percent"], "question": "How far?"}'


def write_row(name: str, split: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "row_id": name,
        "description": f"Buy {name}.",
        "strategy": STRATEGY,
        "answer": STRATEGY,
        "split": split,
    }
    row |= {
        "canonical_hash": name,
        "behaviour_hash": name,
        "withheld": [],
        "variant": "fields",
        "paraphrase_style": "terse",
    }
    return row | changes


ROWS = [
    write_row("a", "train"),
    write_row("b", "train", answer=QUESTION, withheld=["$.stop_loss.percent"]),
    write_row("c", "test", variant="whole"),
]


def make_run(folder: Path, rows: list[dict[str, Any]]) -> FinishedRun:
    """Make a finished run of rows, of which the parser read the first wrongly at first."""
    run = FinishedRun(folder, load_profile("strategy_offline", {}))
    first = {
        "row_id": "a",
        "description": '"Buy a!"',
        "parsed": '"{}"',
        "critiques": ["- [parser_missing_key] $: ticker"],
    }
    run.__dict__.update({"accepted": pl.DataFrame(rows), "first_candidates": pl.DataFrame([first])})
    return run


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert write(make_run(tmp_path, ROWS), tmp_path / "out").rows == len(ROWS)
    return tmp_path / "out"


def test_pairs_and_chats_stand_in_their_split(folder: Path) -> None:
    assert [line["row_id"] for line in read_lines(folder / "train.jsonl")] == ["a", "b"]
    assert read_lines(folder / "test.jsonl")[0]["completion"] == STRATEGY
    assert [said["role"] for said in read_lines(folder / "chat_test.jsonl")[0]["messages"]] == [
        "system",
        "user",
        "assistant",
    ]
    assert read_lines(folder / "compositional.jsonl") == []


def test_a_parameter_has_a_file_of_its_own(folder: Path) -> None:
    assert len(FIELDS) == 12
    assert read_lines(folder / "fields_stop_loss.jsonl") == [{"prompt": "Buy a.", "completion": '{"percent": 2}'}]
    assert json.loads(read_lines(folder / "fields_conditions.jsonl")[0]["completion"])["sell_condition"] is None


def test_a_preference_is_the_right_answer_against_the_first_wrong_one(folder: Path) -> None:
    assert read_lines(folder / "preferences.jsonl") == [{"prompt": "Buy a!", "chosen": STRATEGY, "rejected": "{}"}]


@pytest.mark.parametrize("key", ["description", "canonical_hash", "behaviour_hash"])
def test_what_two_splits_share_is_an_error(key: str, tmp_path: Path) -> None:
    rows = [ROWS[0], write_row("d", "test", **{key: ROWS[0][key]})]
    with pytest.raises(ExportError, match=f"share their {key} across splits"):
        write(make_run(tmp_path, rows), tmp_path / "out")


def test_the_grammar_takes_answers_and_nothing_else() -> None:
    validator = Draft202012Validator(build_answer_schema())
    assert validator.is_valid(json.loads(STRATEGY))
    assert validator.is_valid(json.loads(QUESTION))
    assert not validator.is_valid(json.loads(STRATEGY) | json.loads(QUESTION))
    assert json.loads(write_body("m"))["format"] == build_answer_schema()


def test_llguidance_takes_answers() -> None:
    guidance = pytest.importorskip("llguidance", reason="llguidance is not installed: it is a test extra")
    for text in (STRATEGY, QUESTION):
        matcher = guidance.LLMatcher(guidance.LLTokenizer("byte"), write_grammar())
        assert matcher.try_consume_tokens(list(text.encode())) == len(text)
        assert matcher.is_accepting()


def test_the_modelfile_renders_the_prompt_of_the_chat_template() -> None:
    template = re.search(r'TEMPLATE """(.*?)"""', write_modelfile("llama3.2:1b"), re.DOTALL)
    assert template is not None
    said = {"System": SYSTEM, "Prompt": 'Buy "AMD" at 5%.\n{{ x }}'}
    shown = re.sub(r"\{\{ if \.\w+ \}\}|\{\{ end \}\}", "", template[1].partition("{{ .Response }}")[0])
    ours = re.sub(r"\{\{ \.(\w+) \}\}", lambda found: said[found[1]], shown)
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": said["Prompt"]}]
    chat = Template(write_template(), autoescape=False, keep_trailing_newline=True)
    assert ours == chat.render(messages=messages, add_generation_prompt=True)
