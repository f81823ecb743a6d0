"""How answers were read is counted from the log, in all and by candidate."""

from pathlib import Path
from typing import Any

import pytest

from refine_loop.record.readings import Readings, name_row_mendings


def tell(
    row_id: str | None, mended: list[str], refused: str | None = None, job: str = "001_generate"
) -> dict[str, Any]:
    return {"event": "answer_read", "job": job, "row_id": row_id, "mended": mended, "refused": refused}


def test_answers_in_another_form_and_refusals_are_said_by_name(tmp_path: Path) -> None:
    readings, quiet = Readings(tmp_path / "a"), Readings(tmp_path / "b")
    for mended, refused in [(["no_fence"], None), (["thinking", "no_fence"], None), ([], "cut"), ([], None)]:
        readings.count(tell("r", mended, refused))
    readings.count({"event": "run_finished"})
    assert readings.say() == ["2 answers read in another form: 2 x no fence, 1 x thinking", "1 answer refused: 1 x cut"]
    assert quiet.say() == []


def test_mendings_are_named_once_by_row_and_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refine_loop.record.readings.READINGS_A_FILE", 2)
    readings = Readings(tmp_path / "readings")
    for row_id, mended in [("a", ["no_fence", "blanks"]), ("b", ["fence"]), ("a", ["blanks"]), (None, ["fence"])]:
        readings.count(tell(row_id, mended))
    readings.count(tell("c", ["fence"], job="002_refine_1"))
    scanned = readings.scan().collect()
    assert scanned["round"].to_list() == [1, 1, 1, 2]
    assert sorted(name_row_mendings(scanned).rows()) == [
        ("a", ["blanks", "no_fence"]),
        ("b", ["fence"]),
        ("c", ["fence"]),
    ]


def test_run_without_mended_answers_has_none(tmp_path: Path) -> None:
    readings = Readings(tmp_path / "readings")
    assert name_row_mendings(readings.scan().collect()).is_empty()
