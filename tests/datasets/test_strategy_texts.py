"""Texts that people wrote, as examples of how they write: how they are read, and that no row repeats one."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns.dataset import Given, load_dataset
from columns.strategy.dataset import check_text
from columns.strategy.human_texts import LONGEST, SCHEMA, read_human_texts
from gold_data.errors import GoldError
from gold_data.store import GoldFolder
from tests.conftest import ROOT, run_cli

FOLDER = ROOT / "columns/strategy"
STRATEGY = {
    "ticker": "IBM",
    "position_type": "LONG",
    "buy_condition": {"cross_over": [{"CLOSE": {}}, {"EMA": {"length": 20}}]},
    "sell_condition": {"less": [{"RSI": {}}, 45]},
    "interval": "5m",
}
TEXT = "Trade IBM long on 5-minute bars. Buy when the close crosses above the 20-bar EMA, sell when RSI is below 45."
PLAN = {"description": TEXT, "strategy": json.dumps(STRATEGY), "strategy__withheld": "```json\n[\n\n]\n```"}


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.jsonl", '{"text": " Buy IBM. "}\n\n{"prompt": "Sell."}\n"Hold"\n', ["Buy IBM.", "Sell.", "Hold"]),
        ("a.jsonl", '{"description": "Buy  IBM."}\n{"text": "buy ibm."}', ["Buy  IBM."]),
        ("a.txt", "Buy\nIBM.\n\n  \nSell.\n", ["Buy\nIBM.", "Sell."]),
        ("a.txt", "\ufeffBuy.", ["Buy."]),
    ],
)
def test_texts_are_read_once_each(tmp_path: Path, name: str, content: str, texts: list[str]) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    rows, notes = read_human_texts(tmp_path / name)
    assert rows["text"].to_list() == texts
    assert rows["gold_id"].to_list() == [f"text-{number:04d}" for number in range(1, len(texts) + 1)]
    assert notes == (["a.jsonl: 1 texts stand there twice"] if "ibm" in content else [])


def test_without_a_file_there_are_no_texts() -> None:
    assert read_human_texts(None)[0].schema == SCHEMA


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"text": "Buy."}\n{"text": "Sell', "a.jsonl: line 2 is no JSON"),
        ("a.jsonl", b'{"text": 3}', "a.jsonl: line 1 has no text under text, description or prompt"),
        ("a.jsonl", b'{"words": "Buy."}', "a.jsonl: line 1 has no text under"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl: line 1 is no JSON"),
        (
            "a.txt",
            b"Buy.\n\n" + b"x" * (LONGEST + 1),
            f"a.txt: line 3: the text has {LONGEST + 1:,} characters, at most",
        ),
        ("a.txt", b"Buy\0.", "a.txt: line 1: the text holds a NUL"),
        ("a.txt", b"Buy \xff.", "a.txt is no text in UTF-8"),
        ("a.txt", b" \n \n", "a.txt holds no text"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GoldError) as refused:
        read_human_texts(tmp_path / name)
    assert said in str(refused.value)


def test_a_bad_file_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{", encoding="utf-8")
    result = run_cli("generate", "strategy_offline", "--gold-rows", tmp_path / "a.jsonl", "--out", tmp_path / "run")
    assert (result.exit_code, (tmp_path / "run").exists()) == (2, False)
    assert "a.jsonl: line 1 is no JSON" in result.output


def give(train: list[str], holdout: list[str]) -> Given:
    parts: dict[str, Any] = {
        name: pl.DataFrame({"gold_id": [f"{name}-{place}" for place in range(len(texts))], "text": texts}, SCHEMA)
        for name, texts in (("train", train), ("holdout", holdout))
    }
    gold = GoldFolder(FOLDER)
    gold.__dict__.update(parts)  # which are read from a folder when they are first asked for
    return Given(load_dataset(FOLDER), gold)


@pytest.mark.parametrize(
    ("train", "holdout", "found"),
    [
        ([], [], []),
        (["Short SPY when it gaps up and fades."], [], []),
        ([TEXT.replace("45", "30")], [], ["train-0"]),
        ([], [TEXT.upper()], ["holdout-0"]),
    ],
)
def test_no_row_repeats_a_text_that_a_person_wrote(train: list[str], holdout: list[str], found: list[str]) -> None:
    violations = check_text("", PLAN, give(train, holdout))
    assert [violation.rule for violation in violations] == ["copied"] * len(found)
    assert all(name in violation.message for name, violation in zip(found, violations, strict=True))
