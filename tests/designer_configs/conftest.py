"""A small project to break, one thing at a time."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from designer_configs.compile.check import check_all
from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.checks.shape import KINDS

Edit = Callable[[str, str, str], None]
Break = Callable[[str, str, str], list[str]]

CONTROL = "# yaml-language-server: $schema=../../designer_configs/schema/control.schema.json\n"
COLUMN = "# yaml-language-server: $schema=../../designer_configs/schema/column.schema.json\n"
FILES = {
    "columns/controls/heat.yaml": CONTROL
    + """\
description: How much it moves.
column:
  name: heat
  column_type: sampler
  sampler_type: category
  params:
    values: [0.3, 0.4, 0.5]
    weights: [0.2, 0.3, 0.5]
prompt: "Close to {{ heat }}."
match: {field: entry_volatility_percent, tolerance: 0.05, widest: 0.5}
check: {field: entry_volatility_percent, tolerance: 0.05}
""",
    "columns/controls/ticker.yaml": CONTROL
    + """\
description: Symbol.
column: {name: ticker, column_type: sampler, sampler_type: category}
from_gold: {field: ticker}
prompt: "Of {{ ticker }}."
match: {field: ticker}
check: {field: ticker}
""",
    "columns/controls/mood.yaml": CONTROL
    + """\
description: Mood of the market.
column: {name: mood, column_type: sampler, sampler_type: category, params: {values: [calm, wild]}}
prompt: "In a {{ mood }} market."
""",
    "columns/log/dataset.yaml": """\
# yaml-language-server: $schema=../../designer_configs/schema/dataset.schema.json
description: Trades.
grain: one row per trade
plan: [session_date, variation, $controls, controls, gold_examples]
generate: [trade, trade_checks, judge]
refine: [refine/refined_trade, refine/trade, trade_checks, judge]
noun: trade
gold: {trades: required, bars: optional}
gold_columns: {session_date: text}
row: trade
checks: [trade_checks]
judge: judge
acceptance: {realism: 4}
""",
    "columns/log/session_date.yaml": COLUMN
    + "name: session_date\ncolumn_type: sampler\nsampler_type: category\nfrom_gold: {field: session_date}\n",
    "columns/log/variation.yaml": COLUMN
    + "name: variation\ncolumn_type: sampler\nsampler_type: uniform\nparams: {low: 0, high: 9}\n",
    "columns/log/controls.yaml": COLUMN + "name: controls\ncolumn_type: expression\nexpr: $controls\n",
    "columns/log/gold_examples.yaml": COLUMN + "name: gold_examples\ncolumn_type: gold-examples\n",
    "columns/log/trade.yaml": COLUMN
    + """\
name: trade
column_type: llm-structured
model_alias: generator
output_format: trade.schema.json
prompt: |
  On {{ session_date }}:
  {{ controls }}

  {{ gold_examples }}
""",
    "columns/log/trade_checks.yaml": COLUMN + "name: trade_checks\ncolumn_type: row-checks\n",
    "columns/log/judge.yaml": COLUMN
    + """\
name: judge
column_type: llm-judge
model_alias: judge
skip: {when: "{{ not trade_checks.passed }}"}
prompt: "{{ trade_checks__trade }}"
scores:
  - {name: realism, description: Real, options: {1: 'no', 5: 'yes'}}
  - {name: consistency, description: Agreed, options: {1: 'no', 5: 'yes'}}
  - {name: completeness, description: All, options: {1: 'no', 5: 'yes'}}
""",
    "columns/log/refine/refined_trade.yaml": COLUMN.replace("../../", "../../../")
    + """\
name: refined_trade
column_type: llm-structured
model_alias: refiner
output_format: {type: object}
prompt: "{{ prev_trade }} {{ critique }}"
""",
    "columns/log/refine/trade.yaml": COLUMN.replace("../../", "../../../") + "name: trade\ncolumn_type: scoped-edit\n",
    "columns/log/finished.yaml": COLUMN.replace("column.schema", "finished.schema")
    + "accepted:\n  atr_14: {description: How far it moves., unit: dollars}\n",
    "designer_configs/small.yaml": """\
# yaml-language-server: $schema=schema/profile.schema.json
schema_version: 1
description: small
dataset: log
controls:
  - {use: heat, from_gold: {bins: 9}}
  - ticker
  - mood
provider: {name: offline}
models:
  generator: {model: a}
  judge: {model: b}
  refiner: {model: c}
gold: {trades: gold.csv}
""",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project without a fault: three controls, one dataset, one profile."""
    for kind in KINDS:
        copy_file(f"designer_configs/schema/{kind}.schema.json", tmp_path)
    for name in ("trade.schema.json", "options.schema.json"):
        copy_file(f"columns/trade_log/{name}", tmp_path, f"columns/log/{name}")
    for file, text in FILES.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def edit(root: Path) -> Edit:
    """Replace a text that stands once in a file of the project."""

    def replace(file: str, old: str, new: str) -> None:
        text = (root / file).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (root / file).write_text(text.replace(old, new), encoding="utf-8")

    return replace


@pytest.fixture
def break_file(root: Path, edit: Edit) -> Break:
    """Replace a text and list the problems that the whole check finds, without the file where it is that one."""

    def check(file: str, old: str, new: str) -> list[str]:
        edit(file, old, new)
        return [str(problem).removeprefix(file) for problem in check_all(root)]

    return check


def copy_file(file: str, root: Path, place: str | None = None) -> None:
    """Copy a file of the repository to its place, or another one, in another root."""
    copied = root / (place or file)
    copied.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT_ROOT / file, copied)
