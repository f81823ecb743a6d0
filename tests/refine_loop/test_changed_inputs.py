"""A run goes on with what it was begun with, or says what is another; laws are mixed where that is asked for alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

Cli = Callable[..., Result]

MOOD = {
    "description": "How it was.",
    "column": {"name": "mood", "column_type": "sampler", "sampler_type": "category", "params": {"values": ["a", "b"]}},
    "prompt": "Its mood is {{ mood }}.",
}


@pytest.fixture(scope="module")
def begun(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project of one's own, with a dataset and a control, and a run of it that a cap has ended."""
    root = tmp_path_factory.mktemp("begun") / "mine"
    assert cli("new", "dataset", "market_note", "--root", root).exit_code == 0
    (root / "columns/controls").mkdir(parents=True)
    (root / "columns/controls/mood.yaml").write_text(yaml.safe_dump(MOOD))
    profile = root / "market_note_offline.yaml"
    document = yaml.safe_load(profile.read_text())
    document |= {"controls": ["mood"], "run": {"accepted": 2, "max_candidates": 2, "refine_passes": 0}}
    profile.write_text(yaml.safe_dump(document))
    said = cli("generate", profile, "--out", root / "run")
    assert said.exit_code in (0, 3), said.output
    return root


@pytest.fixture
def project(begun: Path) -> Any:
    """Give the project, to be put back as it was."""
    kept = shutil.copytree(begun, begun.with_name("kept"))
    yield begun
    shutil.rmtree(begun)
    kept.rename(begun)


def change_control(project: Path) -> None:
    path = project / "columns/controls/mood.yaml"
    path.write_text(path.read_text().replace("- b", "- c"))


def change_run(project: Path, key: str, value: Any) -> None:
    path = project / "run/profile.yaml"
    document = yaml.safe_load(path.read_text())
    document["run"][key] = value
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def read_notes(project: Path) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = json.loads((project / "run/provenance.json").read_text()).get("went_on", [])
    return notes


def test_control_that_was_edited_is_refused_unless_laws_may_mix(cli: Cli, project: Path) -> None:
    change_control(project)
    refused = cli("resume", project / "run")
    assert refused.exit_code == 2
    assert f"was begun with another {project / 'columns/controls/mood.yaml'}" in refused.output
    assert read_notes(project) == []
    mixed = cli("resume", project / "run", "--mix-laws")
    assert mixed.exit_code in (0, 3), mixed.output
    assert "goes on with a change, which provenance.json keeps: " in mixed.output
    (note,) = read_notes(project)
    assert list(note["sha256"]) == [str(project / "columns/controls/mood.yaml")]
    assert cli("resume", project / "run").exit_code in (0, 3)  # what it went on with is known by then
    assert cli("check", project / "run").exit_code == 0


def test_control_that_nobody_uses_may_change(cli: Cli, project: Path) -> None:
    (project / "columns/controls/other.yaml").write_text(yaml.safe_dump(MOOD | {"prompt": "Not used."}))
    assert cli("resume", project / "run").exit_code in (0, 3)
    assert read_notes(project) == []


def test_law_that_was_edited_in_the_runs_profile_is_refused(cli: Cli, project: Path) -> None:
    change_run(project, "seed", 8)
    before = (project / "run/profile.yaml").read_bytes()
    said = cli("resume", project / "run")
    assert (said.exit_code, "was begun with another run.seed" in said.output) == (2, True), said.output
    assert (project / "run/profile.yaml").read_bytes() == before
    found = cli("check", project / "run")
    assert (found.exit_code, "damaged" in found.output) == (1, False)
    assert "profile.yaml was changed since: " in found.output
    assert "goes on with other caps and counts, and refuses any other change" in found.output


def test_cap_that_was_edited_in_the_runs_profile_is_gone_on_with_and_said(cli: Cli, project: Path) -> None:
    change_run(project, "max_minutes", 99.0)
    said = cli("resume", project / "run")
    assert said.exit_code in (0, 3), said.output
    assert "run.max_minutes: " in said.output
    (note,) = read_notes(project)
    assert note["changed"]["run.max_minutes"]["to"] == 99.0
    assert cli("check", project / "run").exit_code == 0


def test_code_that_has_changed_is_said_and_kept(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refine_loop.record.provenance.hash_code", lambda: "another")
    said = cli("resume", project / "run")
    assert said.exit_code in (0, 3)
    assert "which provenance.json keeps: our own code" in said.output
    assert read_notes(project)[0]["sha256"] == {"code": "another"}


def test_profile_that_a_run_has_kept_says_what_is_another_by_now(cli: Cli, project: Path) -> None:
    kept = ("generate", project / "run/profile.yaml", "--print-resolved-config")
    assert "changed since" not in cli(*kept).stderr
    change_control(project)
    assert f"so the same seed gives other rows: {project / 'columns/controls/mood.yaml'}" in cli(*kept).stderr
