"""What of a job is sent, in the service's words."""

import json
import logging
from typing import Any

import pytest
from nemo_microservices.data_designer.config.column_configs import LLMStructuredColumnConfig

from designer_configs.compile.native import CompiledProfile, compile_profile
from designer_configs.compile.profile import load_profile
from gold_data.store import GoldFolder
from jobs.errors import BackendError
from jobs.microservices.answers import find_tokens
from jobs.microservices.config import cut_stages, import_quietly, translate_column
from jobs.microservices.jobs import explain_losses, slug


@pytest.fixture(scope="module")
def compiled(gold_folder: GoldFolder) -> CompiledProfile:
    return compile_profile(load_profile("microservices"), gold_folder)


def name_stages(config: dict[str, Any] | None) -> list[tuple[bool, list[str]]]:
    assert config is not None
    return [(stage.remote, [column["name"] for column in stage.columns]) for stage in cut_stages(config)]


def test_jobs_are_cut_where_a_model_is_asked(compiled: CompiledProfile) -> None:
    assert [remote for remote, _ in name_stages(compiled.plan)] == [False]
    checks = ["trade_checks", "judge__asked"]
    assert name_stages(compiled.generate) == [(True, ["trade"]), (False, checks), (True, ["judge"])]
    assert name_stages(compiled.refine) == [(True, ["refined_trade"]), (False, ["trade", *checks]), (True, ["judge"])]


def test_stage_needs_what_its_columns_name(compiled: CompiledProfile) -> None:
    assert compiled.refine is not None
    needs = {stage.name: set(stage.needs) for stage in cut_stages(compiled.refine)}
    prompt = {"controls", "gold_examples", "session_date", "trade_rules"}
    assert needs["refined_trade"] == {*prompt, "critique", "prev_trade"}
    assert needs["judge"] == {*prompt, "trade_checks__trade"}
    assert {"prev_trade", "refined_trade", "criticised_fields", "session_date"} <= needs["judge__asked"]


def test_scores_stay_numbers_on_their_way(compiled: CompiledProfile) -> None:
    judge = compiled.generate["columns"][-1]
    sent = json.loads(translate_column(judge).model_dump_json())
    assert LLMStructuredColumnConfig.model_validate(sent).prompt == judge["prompt"]
    assert sent["output_format"]["$defs"]["realismEnum"]["enum"] == [1, 2, 3, 4, 5]


def test_keys_that_the_service_does_not_know_are_not_dropped_silently(compiled: CompiledProfile) -> None:
    trade = compiled.generate["columns"][0] | {"tool_alias": "search"}
    with pytest.raises(BackendError, match="the service does not know tool_alias, which trade has"):
        translate_column(trade)


def test_unknown_kinds_of_columns_are_named() -> None:
    with pytest.raises(BackendError, match="the service has no columns of type llm-poem, which verse has"):
        translate_column({"name": "verse", "column_type": "llm-poem"})


def test_logging_is_as_before_its_import() -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    with import_quietly():
        root.handlers.clear()
        root.setLevel(logging.DEBUG)
    assert (root.handlers, root.level) == (before, level)


@pytest.mark.parametrize(
    ("lines", "words", "whole"),
    [
        ([], "the service dropped the row without saying why", False),
        (["failure on trade[rg=0, row=3]: no JSON"], "failure on trade[rg=0, row=3]: no JSON", True),
        (["Generation for record at index 3 failed"], "Generation for record at index 3 failed", True),
        (["a on trade[rg=0, row=3]", "b on trade[rg=1, row=3]"], "one of 2 complaints in the service's log may", False),
    ],
)
def test_losses_are_explained_by_the_log(lines: list[str], words: str, whole: bool) -> None:
    why, is_whole = explain_losses(lines, [3])
    assert why[3].startswith(words)
    assert is_whole is whole


@pytest.mark.parametrize(
    ("statistics", "tokens"),
    [
        ({"num_records": 10, "prompt_tokens_mean": 100.04, "completion_tokens_mean": 20.0}, (1000, 200)),
        ({"num_records": 10, "prompt_tokens_mean": "--", "completion_tokens_mean": 20.0}, (None, 200)),
        ({"num_records": "--"}, (None, None)),
    ],
)
def test_tokens_are_means_times_rows(statistics: dict[str, Any], tokens: tuple[int | None, int | None]) -> None:
    assert find_tokens({"column_statistics": [{"column_name": "trade", **statistics}]}, "trade") == tokens
    assert find_tokens({"column_statistics": []}, "trade") == (None, None)
    assert find_tokens("no JSON", "trade") == (None, None)


def test_names_are_such_as_a_data_store_takes() -> None:
    assert slug("my run--2026_01.02/") == "my-run-2026-01-02"
    assert slug("...") == "run"
