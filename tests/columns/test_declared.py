"""What a dataset declares, and what follows from its columns."""

from pathlib import Path
from typing import Any

import pytest

from columns.declared import Constraint, is_flat, list_names, load_output_format, name_plain_type, read_declared
from tests.columns.notes import SCHEMA, write_notes

TEXT = {"note": {"column_type": "llm-text", "model_alias": "writer"}}


def test_criteria_are_the_judges_scores_and_the_least_ones_are_four(tmp_path: Path) -> None:
    notes = read_declared(write_notes(tmp_path))
    assert notes.criteria == ("clarity", "wit")
    assert notes.acceptance == {"clarity": 3, "wit": 4}


def test_dataset_without_a_judge_has_no_criteria(tmp_path: Path) -> None:
    notes = read_declared(write_notes(tmp_path, judge=None, acceptance=None, generate=["note", "note_checks"]))
    assert (notes.judge, notes.criteria, notes.acceptance) == (None, (), {})


def test_fields_are_those_of_the_rows_schema(tmp_path: Path) -> None:
    notes = read_declared(write_notes(tmp_path))
    assert notes.schema == SCHEMA
    assert notes.fields == ("title", "stars", "parts", "hint", "end")


def test_row_that_is_a_text_has_no_fields(tmp_path: Path) -> None:
    notes = read_declared(write_notes(tmp_path, TEXT))
    assert (notes.schema, notes.fields) == (None, ())


def test_roles_are_the_rows_own_then_those_of_refinements_then_the_others(tmp_path: Path) -> None:
    assert read_declared(write_notes(tmp_path)).roles == ("writer", "mender", "critic")
    hint = {"hint": {"column_type": "llm-text", "model_alias": "hinter"}}
    notes = write_notes(tmp_path / "more", hint, generate=["hint", "note", "note_checks", "judge"])
    assert read_declared(notes).roles == ("writer", "mender", "hinter", "critic")


def test_places_are_counted_among_the_columns_that_ask_a_model(tmp_path: Path) -> None:
    hint = {"hint": {"column_type": "llm-text", "model_alias": "hinter"}}
    notes = write_notes(tmp_path, hint, generate=["hint", "note", "note_checks", "judge"])
    assert read_declared(notes).places == {"hint": 0, "note": 1, "judge": 2, "refined_note": 0}


def test_names_of_a_refinement_come_from_the_rows(tmp_path: Path) -> None:
    notes = read_declared(write_notes(tmp_path))
    assert (notes.name, notes.noun, notes.root) == ("notes", "note", tmp_path)
    assert (notes.row, notes.previous_row, notes.refined_row) == ("note", "prev_note", "refined_note")
    assert (notes.checks, notes.grounding, notes.rows_key) == (("note_checks",), "examples", "rows")
    assert list_names(notes.list_stage("plan")) == ["variation", "controls", "examples"]


def test_what_is_left_out_has_defaults(tmp_path: Path) -> None:
    left_out: dict[str, Any] = dict.fromkeys(("noun", "gold", "gold_columns", "checks", "refine", "acceptance"))
    notes = read_declared(write_notes(tmp_path, **left_out, plan=["variation", "$controls"]))
    assert (notes.noun, notes.gold, notes.gold_columns, notes.checks, notes.keep) == ("row", {}, {}, (), ())
    assert (notes.rows_key, notes.grounding, notes.constraint, notes.options) == (None, None, None, {})
    assert (notes.code, notes.questions) == ("columns.dataset", "verification.texts.questions")
    assert notes.list_stage("refine") == []


@pytest.mark.parametrize(
    ("gold", "key"),
    [
        ({"bars": "optional", "texts": "required"}, "texts"),
        ({"texts": "none", "bars": "required"}, None),
        ({"texts": "optional", "more": "required"}, "texts"),
    ],
)
def test_gold_rows_are_the_first_file_that_is_not_the_bars(tmp_path: Path, gold: dict[str, str], key: str) -> None:
    (tmp_path / "columns/log").mkdir(parents=True)
    lines = "".join(f"  {name}: {need}\n" for name, need in gold.items())
    (tmp_path / "columns/log/dataset.yaml").write_text(f"row: note\ngold:\n{lines}")
    assert read_declared(tmp_path / "columns/log").rows_key == key


def test_kept_column_comes_to_a_refinement_under_its_name_or_as_the_previous_one(tmp_path: Path) -> None:
    kept = {"moral": {"column_type": "llm-text", "model_alias": "writer"}}
    once = write_notes(tmp_path / "once", kept, keep=["moral"], generate=["moral", "note", "note_checks", "judge"])
    assert read_declared(once).list_side_columns() == ["moral"]
    both: dict[str, Any] = {"generate": ["moral", "note"], "refine": ["moral", "refine/refined_note", "refine/note"]}
    assert read_declared(write_notes(tmp_path / "both", kept, keep=["moral"], **both)).list_side_columns() == [
        "prev_moral"
    ]


def test_constraint_is_a_name_and_a_field(tmp_path: Path) -> None:
    notes = read_declared(write_notes(tmp_path, constraint={"name": "wanted", "field": "stars"}))
    assert notes.constraint == Constraint("wanted", "stars")


def test_options_are_the_profiles_keys_that_the_dataset_brings(tmp_path: Path) -> None:
    folder = write_notes(tmp_path)
    (folder / "options.schema.json").write_text('{"properties": {"tone": {"enum": ["dry"], "default": "dry"}}}')
    options = read_declared(folder).options
    assert options.pop("tone") == {"enum": ["dry"], "default": "dry"}
    assert list(options) == ["market"], "which every dataset has that reads bars"


def test_columns_stand_instead_of_others_where_a_profile_says_so(tmp_path: Path) -> None:
    other = {"instead/hint": {"column_type": "embedding", "model_alias": "embedder", "target_column": "controls"}}
    chosen = {"tone": {"dry": {"judge": ["instead/hint", "judge"]}}}
    folder = write_notes(tmp_path, other, instead=chosen)
    usual, dry = read_declared(folder), read_declared(folder, {"tone": "dry"})
    assert [column["name"] for column in usual.list_stage("generate")] == ["note", "note_checks", "judge"]
    assert [column["name"] for column in dry.list_stage("refine")][-3:] == ["note_checks", "hint", "judge"]
    assert [sorted(each.embedders) for each in (usual, dry)] == [[], ["embedder"]]


def test_output_format_is_a_file_beside_the_column_or_stands_in_it(tmp_path: Path) -> None:
    folder = write_notes(tmp_path)
    assert load_output_format(folder, {"output_format": "note.schema.json"}) == SCHEMA
    assert load_output_format(folder, {"output_format": {"type": "object"}}) == {"type": "object"}
    assert load_output_format(folder, {}) is None


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer"}, "integer"),
        ({"type": ["string", "null"]}, None),
        ({"type": "array"}, None),
        ({"enum": ["a", "b"]}, "string"),
        ({"enum": ["a", 1]}, None),
        ({"enum": [True]}, "boolean"),
        ({"const": 1.5}, "number"),
        ({}, None),
    ],
)
def test_plain_type_of_a_field(field: dict[str, Any], kind: str | None) -> None:
    assert name_plain_type(field) == kind


def test_flat_rows_have_plain_fields_which_are_all_required() -> None:
    plain = {"a": {"type": "string"}, "b": {"type": "number"}}
    assert is_flat({"properties": plain, "required": ["b", "a"]})
    assert not is_flat({"properties": plain, "required": ["a"]})
    assert not is_flat({"properties": plain | {"b": {"type": "array"}}, "required": ["a", "b"]})
    assert not is_flat({"type": "object"})
    assert not is_flat(SCHEMA)
