"""Files for fine-tuning: pairs by split, preferences, a grammar that takes them, and Ollama's prompt byte for byte."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from jinja2 import Template
from jsonschema import Draft202012Validator

from designer_configs.compile.profile import load_profile
from exports.errors import ExportError
from exports.finetuning import FIELDS, MODELS, name_file, write, write_grammar
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


def render_go(template: str, values: dict[str, str]) -> str:
    """Render what a Modelfile uses of Go's templates: `{{ .Name }}`, and `{{ if .Name }}` to its `{{ end }}`."""
    shown = re.sub(
        r"\{\{ if \.(\w+) \}\}(.*?)\{\{ end \}\}",
        lambda found: found[2] if values.get(found[1]) else "",
        template,
        flags=re.DOTALL,
    )
    return re.sub(r"\{\{ \.(\w+) \}\}", lambda found: values[found[1]], shown)


@pytest.mark.parametrize("model", MODELS.values())
@pytest.mark.parametrize("system", [SYSTEM, ""])
def test_the_modelfile_renders_the_prompt_of_the_chat_template(system: str, model: str) -> None:
    modelfile = write_modelfile(model)
    assert modelfile.startswith(f"FROM {model}\n")
    template = re.search(r'TEMPLATE """(.*?)"""', modelfile, re.DOTALL)
    assert template is not None
    said = {"System": system, "Prompt": 'Buy "AMD" at 5%.\n{{ x }} {% y %}', "Response": STRATEGY}
    turns = (("system", "System"), ("user", "Prompt"), ("assistant", "Response"))
    messages = [{"role": role, "content": said[key]} for role, key in turns if said[key]]
    chat = Template(write_template(), autoescape=False, keep_trailing_newline=True)
    assert render_go(template[1], said) == chat.render(messages=messages)
    asked = render_go(template[1].partition("{{ .Response }}")[0], said)
    assert asked == chat.render(messages=messages[:-1], add_generation_prompt=True)


def test_datasets_loads_every_table_by_the_card(folder: Path, tmp_path: Path) -> None:
    """From one cache, in which another run's folder of the same name is already."""
    datasets = pytest.importorskip("datasets", reason="the library `datasets` is not installed")
    other = tmp_path / "other/out"
    write(make_run(tmp_path, [ROWS[0] | {"description": "Buy!"}, *ROWS[1:]]), other)
    assert datasets.load_dataset(str(other), cache_dir=str(tmp_path / "cache"))["train"][0]["prompt"] == "Buy!"
    names = datasets.get_dataset_config_names(str(folder))
    assert names == ["default", "chat", "preferences", *(f"fields_{name}" for name in FIELDS)]
    assert datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))["train"][0]["prompt"] == "Buy a."
    for name in names:
        loaded = datasets.load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"))
        splits = ("train", "test") if name in ("default", "chat") else ("train",)
        assert {split: rows.num_rows for split, rows in loaded.items()} == {
            split: len(read_lines(folder / name_file(name, split))) for split in splits
        }


def test_the_card_names_the_files_with_a_line(folder: Path) -> None:
    head = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    files = {file["path"] for config in head["configs"] for file in config["data_files"]}
    assert files == {path.name for path in folder.glob("*.jsonl") if path.read_bytes()}
