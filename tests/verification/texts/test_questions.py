"""A whole run of a dataset in plain YAML is verified: with gold, without, and with next to nothing."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest
import yaml

from tests.verification.report.test_plots import paint
from tests.verification.texts.runs import draw_texts, make_control, make_run
from verification.answers import COPIES, GOOD, to_json
from verification.errors import VerificationError
from verification.inputs import FinishedRun
from verification.report.plots import draw_plots
from verification.texts.questions import DECIDING, PLOTS, ask
from verification.verdict import decide
from verification.verify import verify_run

SCHEMA = {
    "type": "object",
    "required": ["ticker", "trade_type", "entry_price"],
    "properties": {
        "ticker": {"type": "string"},
        "trade_type": {"enum": ["buy", "short"]},
        "entry_price": {"type": "number"},
    },
}


@pytest.fixture
def run(run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a small run, without its gold, of a dataset whose row has three fields and no questions of its own."""
    from verification.dataset import read_dataset  # noqa: PLC0415

    def read(profile: Any) -> Any:
        declared = replace(read_dataset(profile), noun="strategy", rows="none", bars="none")
        return replace(declared, schema=SCHEMA, questions="verification.texts.questions")

    monkeypatch.setattr("verification.inputs.read_dataset", read)
    ignored = shutil.ignore_patterns("artifacts", "gold", "hashes.jsonl")
    folder = Path(shutil.copytree(run_folder, tmp_path / "run", ignore=ignored))
    profile = yaml.safe_load((folder / "profile.yaml").read_text())
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile | {"controls": ["session_period"]}))
    return folder


def test_a_run_without_gold_is_verified(run: Path) -> None:
    metrics = verify_run(run, lambda _: None)
    verdicts = {answer["question"]: answer["verdict"] for answer in metrics["answers"]}
    assert list(verdicts) == ["validity", "balance", "duplicates", "scores", "funnel"]
    assert metrics["answers"][0]["numbers"][0] == ["broken strategies", "0 of 60"]
    assert metrics["overall"]["text"] == "cannot tell: it takes 73 accepted strategies"
    assert json.loads((run / "metrics.json").read_text()) == metrics
    assert "<h1>Synthetic strategies</h1>" in (run / "report.html").read_text()


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_few_rows_cannot_tell(run: Path, rows: int) -> None:
    accepted = pl.read_parquet(run / "accepted.parquet")
    accepted[:rows].write_parquet(run / "accepted.parquet")
    (run / "ledger.parquet").unlink()
    metrics = verify_run(run, lambda _: None)
    assert {answer["verdict"] for answer in metrics["answers"]} == {"cannot tell"}
    assert metrics["overall"]["text"] == "cannot tell: it takes 73 accepted strategies"


def test_rows_of_another_dataset_are_named() -> None:
    with pytest.raises(
        VerificationError, match=r"accepted.parquet has no column of what columns/notes/note.yaml makes"
    ):
        ask(replace(make_run(["a"]), accepted=pl.DataFrame({"row_id": ["1"]})), lambda _: None, 0)


def make_whole_run(**more: Any) -> FinishedRun:
    ledger = pl.DataFrame({"status": ["accepted"] * 200 + ["failed"] * 9, "refine_passes": [0] * 209})
    scored = ledger.with_columns(reason=pl.lit("no answer"), safety=pl.Series([4, 5] * 104 + [None]))
    drawn = {"mood": ["calm", "wild"] * 100}
    return make_run(
        draw_texts(200), controls=[make_control("mood", drawn["mood"][:2])], drawn=drawn, ledger=scored, **more
    )


def test_what_is_well_is_good_and_copies_come_first() -> None:
    asked = ask(make_whole_run(), lambda _: None, 0)
    assert decide(asked.answers, DECIDING, asked.used, asked.train, "notes").verdict == GOOD
    copied = ask(make_whole_run(gold=draw_texts(50)), lambda _: None, 0)
    assert decide(copied.answers, DECIDING, copied.used, copied.train, "notes").verdict == COPIES


def test_every_plot_is_drawn_and_plotly_knows_it() -> None:
    asked = ask(make_whole_run(gold=draw_texts(50, 1)), lambda _: None, 0)
    drawn = draw_plots(to_json({"answers": asked.answers, "plots": {}}), PLOTS)
    plots = [plot for section, each in drawn.items() if section != "run" for plot in each]
    assert [plot.key for plot in plots] == [drawing.key for drawing in PLOTS]
    assert [plot.sentence for plot in plots if plot.is_empty] == []
    for panel in (panel for plot in plots for panel in plot.panels):
        assert go.Figure([paint(trace) for trace in panel.data], paint(panel.layout)).layout.height is not None


@pytest.mark.parametrize("gone", [None, {}, [], "text", 7])
def test_what_is_missing_leaves_plots_out(gone: Any) -> None:
    answers = [{"question": drawing.section, "metrics": gone} for drawing in PLOTS]
    for each in draw_plots({"answers": answers}, PLOTS).values():
        assert all(plot.sentence.startswith("Left out: ") for plot in each if plot.is_empty)
