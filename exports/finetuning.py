"""Files to fine-tune a small model on described strategies: pairs by split, preferences, grammar, Ollama's files.

One folder. `{split}.jsonl` are pairs in the shape of reference 004 (prompt, completion), `chat_{split}.jsonl` the same
as conversations; `fields_{name}.jsonl` have one parameter each, of the rows of train whose variant is fields;
`preferences.jsonl` the right answer against the parser's first wrong one; `README.md` is the card by which `datasets`
loads each of them. What two splits share is an error.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from columns.declared import Declared
from exports.errors import ExportError
from exports.export import Exported
from exports.finished_run import FinishedRun
from exports.ollama import SYSTEM, build_answer_schema, write_body, write_modelfile, write_template
from exports.tracked import hash_parts
from files.whole_file import write_text
from indicators.strategy.splits import SPLITS

FIELDS: Mapping[str, tuple[str, ...]] = {
    name: (name,)
    for name in (
        *("ticker", "position_type", "stop_loss", "take_profit", "start_date", "end_date", "interval", "period"),
        *("initial_capital", "order_size", "trade_commissions"),
    )
} | {"conditions": ("buy_condition", "sell_condition")}
PAIRS = "default"  # what `load_dataset` loads where no name is given
MODELS = {"1b": "llama3.2:1b", "3b": "llama3.2:3b"}
Row = Mapping[str, Any]


def takes_dataset(dataset: Declared) -> bool:
    """Described strategies."""
    return dataset.name == "strategy" and dataset.row == "strategy"


def write(run: FinishedRun, out: Path) -> Exported:
    """Write the folder.

    Raises:
        ExportError: `out` is a file, or two splits share a description or a strategy.
    """
    if out.is_file():
        raise ExportError(f"{out} is a file: name a folder with --out")
    rows = run.accepted.to_dicts()
    refuse_leaks(rows)
    tables = list_tables(run, rows)
    for name, splits in tables.items():
        for split, lines in splits.items():
            write_lines(out / name_file(name, split), lines)
    write_text(write_card(tables), out / "README.md")
    write_text(json.dumps(build_answer_schema(), indent=1) + "\n", out / "answer.schema.json")
    write_text(write_grammar(), out / "answer.llguidance.json")
    write_text(write_template(), out / "chat_template.jinja")
    write_text(write_body(MODELS["3b"]), out / "ollama_request.json")
    for size, model in MODELS.items():
        write_text(write_modelfile(model), out / f"Modelfile.{size}")
    counts = ", ".join(f"{len(lines)} {split}" for split, lines in tables[PAIRS].items())
    preferences, parts = (len(tables[name]["train"]) for name in ("preferences", "fields_ticker"))
    return Exported(out, len(rows), (f"{counts}; {preferences} preferences; {parts} rows by parameter",))


def list_tables(run: FinishedRun, rows: Sequence[Row]) -> Mapping[str, Mapping[str, Sequence[Row]]]:
    """List the lines of every file, by what they are and by split."""
    owned = {split: [row for row in rows if row["split"] == split] for split in SPLITS}
    parts = [row for row in owned["train"] if row.get("variant") == "fields" and not row["withheld"]]
    return {
        PAIRS: {split: [*map(write_pair, own)] for split, own in owned.items()},
        "chat": {split: [*map(write_chat, own)] for split, own in owned.items()},
        "preferences": {"train": [*iter_preferences(run, owned["train"])]},
        **{
            f"fields_{name}": {"train": [write_field(row, name, keys) for row in parts]}
            for name, keys in FIELDS.items()
        },
    }


def name_file(name: str, split: str) -> str:
    """Name the file of a table's split; what is of train alone has no split in its name."""
    return f"{split}.jsonl" if name == PAIRS else f"chat_{split}.jsonl" if name == "chat" else f"{name}.jsonl"


def write_card(tables: Mapping[str, Mapping[str, Sequence[Row]]]) -> str:
    """Write the card by which `load_dataset(FOLDER, "chat")` knows the tables; a file without a line it cannot load.

    It keeps what it has read by the card and the folder's name, not by the files: so the card says what they hash to.
    """
    configs = []
    for name, splits in tables.items():
        files = [{"split": split, "path": name_file(name, split)} for split, lines in splits.items() if lines]
        digest = hash_parts(json.dumps(list(splits.items())).encode())
        shown = {"config_name": name, "description": f"sha256 {digest}", "data_files": files}
        configs += [shown] if files else []
    head = yaml.safe_dump({"tags": ["synthetic", "trading"], "configs": configs}, sort_keys=False)
    return f"---\n{head}---\n\n# Descriptions of strategies, and what they say\n\nSynthetic data. No row happened.\n"


def write_pair(row: Row) -> dict[str, Any]:
    """Write a row as prompt and completion, with what an evaluation groups by."""
    return {
        "row_id": row["row_id"],
        "prompt": row["description"],
        "completion": row["answer"],
        "style": row.get("paraphrase_style") or "",
    }


def write_chat(row: Row) -> dict[str, Any]:
    """Write a row as a conversation."""
    said = (("system", SYSTEM), ("user", row["description"]), ("assistant", row["answer"]))
    return {"messages": [{"role": role, "content": content} for role, content in said]}


def write_field(row: Row, name: str, keys: Iterable[str]) -> dict[str, Any]:
    """Write one parameter of a row, `null` where the strategy leaves it out; both conditions are one."""
    document = json.loads(row["strategy"])
    value = {key: document.get(key) for key in keys}
    return {"prompt": row["description"], "completion": json.dumps(value if name == "conditions" else value[name])}


def iter_preferences(run: FinishedRun, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Give the right answer of a row against the first wrong one that its parser gave."""
    wrong = {
        draft["row_id"]: (json.loads(draft["description"]), json.loads(draft["parsed"]))
        for draft in run.first_candidates.iter_rows(named=True)
        if draft["parsed"] is not None and any("[parser_" in line for line in draft["critiques"])
    }
    for row in rows:
        if row["row_id"] in wrong:
            prompt, rejected = wrong[row["row_id"]]
            yield {"prompt": prompt, "chosen": row["answer"], "rejected": rejected}


def refuse_leaks(rows: Iterable[Row]) -> None:
    """Refuse rows of two splits that share a description, a strategy or what it trades.

    Raises:
        ExportError: Naming both rows.
    """
    seen: dict[tuple[str, str], Row] = {}
    for row in rows:
        for key in ("description", "canonical_hash", "behaviour_hash"):
            other = seen.setdefault((key, row[key]), row)
            if other["split"] != row["split"]:
                raise ExportError(f"{row['row_id']} and {other['row_id']} share their {key} across splits")


def write_grammar() -> str:
    """Write the grammar of answers as llguidance takes it, for constrained decoding."""
    return json.dumps({"grammars": [{"json_schema": build_answer_schema()}]}) + "\n"


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines."""
    write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), path)
