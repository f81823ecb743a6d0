"""The hooks of a dataset in pure YAML, and how one finds its own Python."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns.dataset import Dataset, Finished, FinishRequest, Given, find_function, load_dataset
from columns.errors import DatasetError
from gold_data.errors import GoldError
from gold_data.source import GoldSource
from gold_data.store import Gold, GoldFolder, write_gold
from gold_data.violation import Violation
from tests.columns.notes import SCHEMA, write_notes

TEXT = {"note": {"column_type": "llm-text", "model_alias": "writer"}}
NOTE = {"title": "a", "stars": 3}
ASKED = {"stars": ("wanted", 1.0), "title": ("named", None)}


@pytest.fixture
def notes(tmp_path: Path) -> Dataset:
    return load_dataset(write_notes(tmp_path / "root"))


@pytest.fixture
def gold(tmp_path: Path) -> GoldFolder:
    rows = [{"gold_id": "g1", "title": "known", "stars": 5, "parts": None, "hint": None, "end": None}]
    kinds = dict.fromkeys(("parts", "hint", "end"), pl.String)
    return write_gold(Gold(pl.DataFrame(rows, schema_overrides=kinds)), tmp_path / "gold", 0.0)


def check(dataset: Dataset, gold: GoldFolder, row: Any, **plan: Any) -> list[Violation]:
    asked = {name: where for name, where in ASKED.items() if where[0] in plan}
    return dataset.check_row(row, plan, Given(dataset, gold, asked))


def test_row_that_fits_its_schema_has_no_violation(notes: Dataset, gold: GoldFolder) -> None:
    assert check(notes, gold, NOTE) == []


def test_misfit_is_said_with_its_field_what_was_found_and_the_limit(notes: Dataset, gold: GoldFolder) -> None:
    (violation,) = check(notes, gold, NOTE | {"stars": 9})
    assert (violation.rule, violation.fields, violation.found) == ("schema", ("stars",), "9")
    assert violation.limit == "maximum: 5"
    assert violation.message == "9 is greater than the maximum of 5; limit: maximum: 5"


def test_first_misfit_of_each_place_is_said(notes: Dataset, gold: GoldFolder) -> None:
    broken = check(notes, gold, {"title": "far too long a title", "stars": "many", "parts": 4})
    assert [violation.fields for violation in broken] == [("parts",), ("stars",), ("title",)]


def test_missing_key_is_said_of_the_whole_row(notes: Dataset, gold: GoldFolder) -> None:
    (violation,) = check(notes, gold, {"title": "a"})
    assert violation.fields == ()
    assert "'stars' is a required property" in violation.message


@pytest.mark.parametrize("row", [None, [], "text", 3, {"title": {"deep": ["x" * 500]}, "stars": 3}])
def test_whatever_is_no_row_is_refused_in_few_words(notes: Dataset, gold: GoldFolder, row: Any) -> None:
    broken = check(notes, gold, row)
    assert {violation.rule for violation in broken} == {"schema"}
    assert all(len(violation.message) < 300 for violation in broken)


@pytest.mark.parametrize(
    "value", [{"stars": 10**30}, {"hint": "\ud800"}, {"parts": [float("nan")]}, {"parts": [{"deep": "\udfff"}]}]
)
def test_what_no_table_takes_is_refused_in_words_that_one_does(
    tmp_path: Path, gold: GoldFolder, value: dict[str, Any]
) -> None:
    wide = {**SCHEMA, "properties": SCHEMA["properties"] | {"stars": {"type": "integer"}}}
    (violation,) = check(load_dataset(write_notes(tmp_path / "wide", schema=wide)), gold, NOTE | value)
    assert (violation.rule, violation.fields) == ("schema", tuple(value))
    assert pl.DataFrame([violation.to_dict()]).height == 1


def test_misfit_of_odd_text_is_said_in_words_that_a_table_takes(notes: Dataset, gold: GoldFolder) -> None:
    (violation,) = check(notes, gold, NOTE | {"stars": "\ud800"})
    assert pl.DataFrame([violation.to_dict()])["found"].item() == "\\ud800"


@pytest.mark.parametrize(("wanted", "broken"), [(2, []), (4, []), (5, ["control"]), ("4", []), ("many", ["control"])])
def test_number_may_differ_from_its_control_by_the_tolerance(
    notes: Dataset, gold: GoldFolder, wanted: object, broken: list[str]
) -> None:
    assert [violation.rule for violation in check(notes, gold, NOTE, wanted=wanted)] == broken


def test_text_must_equal_its_control(notes: Dataset, gold: GoldFolder) -> None:
    (violation,) = check(notes, gold, NOTE, named="b")
    assert (violation.rule, violation.fields, violation.limit, violation.found) == ("control", ("title",), "b", "a")
    assert check(notes, gold, NOTE, named="a") == []


def test_tolerance_holds_on_its_edge_in_binary_too(tmp_path: Path, gold: GoldFolder) -> None:
    schema = {"type": "object", "properties": {"size": {"type": "number"}}}
    sizes = load_dataset(write_notes(tmp_path / "sizes", schema=schema))
    given = Given(sizes, gold, {"size": ("wanted", 0.05)})
    assert sizes.check_row({"size": 0.35}, {"wanted": 0.3}, given) == []
    assert sizes.check_row({"size": 0.351}, {"wanted": 0.3}, given) != []


def test_copy_of_a_gold_row_is_named(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}, "stars": {"type": "integer"}}}
    notes = load_dataset(write_notes(tmp_path / "root", schema=schema))
    rows = pl.DataFrame({"gold_id": ["g1", "g2"], "title": ["known", "held"], "stars": [5, 5], "kind": ["x", "y"]})
    gold = write_gold(Gold(rows), tmp_path / "gold", 0.5)
    (violation,) = check(notes, gold, {"stars": 5, "title": "known"})
    assert (violation.rule, violation.fields, violation.found) == ("copy", ("title", "stars"), "copy of g1")
    assert violation.limit == "differs from every known note"
    assert check(notes, gold, {"stars": 5, "title": "held"}) == []


def test_gold_that_lacks_fields_of_a_row_knows_no_copies(notes: Dataset, tmp_path: Path) -> None:
    gold = write_gold(Gold(pl.DataFrame({"gold_id": ["g1"], "title": ["a"]})), tmp_path / "few", 0.0)
    assert check(notes, gold, NOTE) == []


@pytest.mark.parametrize(("text", "broken"), [("some words", []), ("", ["empty"]), (" \n", ["empty"])])
def test_text_must_not_be_empty(tmp_path: Path, gold: GoldFolder, text: str, broken: list[str]) -> None:
    texts = load_dataset(write_notes(tmp_path / "texts", TEXT))
    assert [violation.rule for violation in check(texts, gold, text)] == broken


def test_row_is_identified_by_its_values_whatever_their_order(notes: Dataset) -> None:
    assert notes.identify({"a": 1, "b": [2]}) == notes.identify({"b": [2], "a": 1})
    assert notes.identify({"a": 1}) != notes.identify({"a": 2})
    assert notes.identify(" a text\n") == notes.identify("a text")
    assert notes.identify("\ud800") != notes.identify("")  # no row is too odd to be told from others


def test_gold_rows_are_read_as_they_are_with_an_id_each(notes: Dataset, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("title,kind\nx,a\ny,b\n")
    gold = notes.read_gold(GoldSource({"rows": tmp_path / "rows.csv"}))
    assert gold.rows.to_dict(as_series=False) == {
        "gold_id": ["gold-0001", "gold-0002"],
        "title": ["x", "y"],
        "kind": ["a", "b"],
    }
    assert (gold.bars, gold.rejected.height) == (None, 0)


def test_gold_rows_keep_the_ids_that_they_have(notes: Dataset, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("gold_id,title\nmine,x\n")
    assert notes.read_gold(GoldSource({"rows": tmp_path / "rows.csv"})).rows["gold_id"].to_list() == ["mine"]


def test_gold_that_a_dataset_does_not_need_may_be_missing(notes: Dataset) -> None:
    assert notes.read_gold(GoldSource()).rows.is_empty()


def test_gold_that_cannot_be_read_is_named(notes: Dataset, tmp_path: Path) -> None:
    with pytest.raises(GoldError, match=r"nowhere\.csv"):
        notes.read_gold(GoldSource({"rows": tmp_path / "nowhere.csv"}))


def test_accepted_rows_are_finished_as_they_are(notes: Dataset, gold: GoldFolder, tmp_path: Path) -> None:
    accepted = pl.DataFrame({"row_id": ["a"], "title": ["x"]})
    request = FinishRequest(tmp_path, 1, accepted.select("row_id"), {}, 7)
    assert notes.finish(accepted, gold, request) == Finished(accepted)


CODE = """
from columns.dataset import Dataset as Base

class Dataset(Base):
    def identify(self, row):
        return row["title"].encode()

def count_words(row, given):
    return len(row["note"].split())
"""


def test_dataset_with_python_of_its_own_overrides_what_it_needs(tmp_path: Path, gold: GoldFolder) -> None:
    notes = load_dataset(write_notes(tmp_path / "root", code=CODE))
    assert notes.identify({"title": "x", "stars": 1}) == b"x"
    assert [violation.rule for violation in check(notes, gold, {"title": "known", "stars": 6})] == ["schema"]


def test_module_without_a_dataset_class_has_functions_alone(tmp_path: Path) -> None:
    folder = write_notes(tmp_path, code="def shout(row, given):\n    return row['note'].upper()\n")
    assert type(load_dataset(folder)) is Dataset
    assert find_function(folder, "shout")({"note": "a"}, None) == "A"


def test_two_roots_may_have_datasets_of_one_name(tmp_path: Path) -> None:
    one, other = (
        write_notes(tmp_path / name, code=f"def name(row, given):\n    return '{name}'\n") for name in ("one", "other")
    )
    assert (find_function(one, "name")({}, None), find_function(other, "name")({}, None)) == ("one", "other")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('not today')", r"code: columns\.notes\.dataset cannot be imported: not today"),
        ("def broken(:", "cannot be imported: "),
        ("Dataset = dict", r"columns\.notes\.dataset\.Dataset is no columns\.dataset\.Dataset: let it derive from it"),
    ],
)
def test_module_that_cannot_be_used_is_said(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        load_dataset(write_notes(tmp_path, code=code))


def test_module_that_is_not_there_is_said(tmp_path: Path) -> None:
    folder = write_notes(tmp_path, code="")
    (folder / "dataset.py").rename(folder / "elsewhere.py")
    with pytest.raises(DatasetError, match=r"columns/notes/dataset\.yaml: code: columns\.notes\.dataset cannot be imp"):
        load_dataset(folder)


def test_function_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"columns\.notes\.dataset has no function sing: write it"):
        find_function(write_notes(tmp_path / "one", code=CODE), "sing")
    with pytest.raises(DatasetError, match=r"notes, which has no `code:`, has no function sing"):
        find_function(write_notes(tmp_path / "two"), "sing")
