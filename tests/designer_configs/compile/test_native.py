"""Every shipped profile becomes native Data Designer configs, and a plan depends on its seed alone."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.compile.controls import Control
from designer_configs.compile.native import (
    NO_CONTROL,
    CompiledProfile,
    add_seed,
    compile_profile,
    say_control,
    write_config,
)
from designer_configs.compile.profile import Profile, load_profile
from gold_data.store import GoldFolder, write_gold
from gold_data.trades.ingest import read_gold
from jobs.job import Job
from jobs.library.backend import LibraryBackend, build_config

WriteProfile = Callable[[Path, Mapping[str, Any]], Path]
STAGES = ["whole", "plan", "generate", "refine"]
PLANNED = ["session_date", "variation", "target_volatility", "ticker", "trade_type", "session_period", "controls"]
PLANNED += ["gold_examples", "trade_rules"]
KEY = "canary-not-to-be-written"


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> GoldFolder:
    trades = PROJECT_ROOT / "gold_data/sample/trades.csv"
    return write_gold(read_gold(trades, None), tmp_path_factory.mktemp("sample") / "gold", 0.2)


PROJECT = Project(PROJECT_ROOT)
OF_TRADES = [name for name, path in PROJECT.profiles.items() if PROJECT.load(path).data["dataset"] == "trade_log"]


@pytest.fixture(scope="module", params=OF_TRADES)
def profile(request: pytest.FixtureRequest) -> Iterator[Profile]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NVIDIA_API_KEY", KEY)
        yield load_profile(request.param)


@pytest.fixture(scope="module")
def compiled(profile: Profile, gold: GoldFolder) -> CompiledProfile:
    return compile_profile(profile, gold)


def find_column(config: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    assert config is not None
    (column,) = [column for column in config["columns"] if column["name"] == name]
    return dict(column)


def draw_plan(profile: Profile, gold: GoldFolder, artifacts: Path, seed: int = 7) -> list[dict[str, Any]]:
    backend = LibraryBackend(profile, "http://127.0.0.1:9/v1", artifacts)
    return backend.run(Job("plan", compile_profile(profile, gold).plan, 40, seed)).rows


@pytest.mark.parametrize("stage", STAGES)
def test_data_designer_reads_every_stage(compiled: CompiledProfile, stage: str) -> None:
    config = getattr(compiled, stage)
    before = json.dumps(config)
    assert build_config(config).build().columns
    assert json.dumps(config) == before


def test_stages_have_the_columns_of_the_dataset(compiled: CompiledProfile) -> None:
    names = {stage: [column["name"] for column in getattr(compiled, stage)["columns"]] for stage in STAGES}
    assert names["plan"] == PLANNED
    assert names["generate"] == ["trade", "trade_checks", "judge"]
    assert names["whole"] == names["plan"] + names["generate"]
    assert names["refine"] == ["refined_trade", "trade", "trade_checks", "judge"]


def test_roles_are_the_profiles_models(profile: Profile, compiled: CompiledProfile) -> None:
    assert compiled.refine is not None
    for config in (compiled.whole, compiled.generate, compiled.refine):
        models = {model["alias"]: (model["model"], model["provider"]) for model in config["model_configs"]}
        assert models == {role: (model.model, profile.provider.name) for role, model in profile.models.items()}
        asked = {column["name"]: column["model_alias"] for column in config["columns"] if "model_alias" in column}
        assert asked in ({"trade": "generator", "judge": "judge"}, {"refined_trade": "refiner", "judge": "judge"})
    assert "model_configs" not in compiled.plan


def test_models_are_asked_for_a_sign_of_life_once_a_run(compiled: CompiledProfile) -> None:
    asked = {stage: [m["skip_health_check"] for m in getattr(compiled, stage)["model_configs"]] for stage in STAGES[2:]}
    assert asked == {"generate": [True] * 3, "refine": [True] * 3}
    assert [model["skip_health_check"] for model in compiled.whole["model_configs"]] == [False] * 3


def test_inference_parameters_are_the_profiles(profile: Profile, compiled: CompiledProfile) -> None:
    parameters = {model["alias"]: model["inference_parameters"] for model in compiled.whole["model_configs"]}
    assert parameters == {role: dict(model.inference_parameters) for role, model in profile.models.items()}


def test_every_control_is_said_with_the_tolerance_of_its_check(compiled: CompiledProfile) -> None:
    said = find_column(compiled.plan, "controls")["expr"].split("\n")
    checks = {check["column"]: check for check in find_column(compiled.generate, "trade_checks")["checks"]}
    for line, name in zip(said, PLANNED[2:6], strict=True):
        assert line.startswith("- It")
        assert f"{{{{ {name} }}}}" in line
        tolerance = checks.get(name, {}).get("tolerance")
        assert line.endswith("" if tolerance is None else f" Tolerance: {tolerance:g}.")


def test_columns_are_handed_gold_controls_and_seed(profile: Profile, compiled: CompiledProfile) -> None:
    examples = find_column(compiled.plan, "gold_examples")
    assert [rule["column"] for rule in examples["match"]] == ["target_volatility", "ticker", "trade_type"]
    assert examples["seed"] == profile.run.seed
    rules = find_column(compiled.plan, "trade_rules")
    assert {check["field"]: check["column"] for check in rules["checks"]}["ticker"] == "ticker"
    checks = find_column(compiled.generate, "trade_checks")["checks"]
    assert [check["field"] for check in checks] == ["entry_volatility_percent", "ticker", "trade_type"]
    assert checks == find_column(compiled.refine, "trade_checks")["checks"]


def test_output_schema_is_the_shared_file_without_what_people_read(profile: Profile, compiled: CompiledProfile) -> None:
    file = "trade_parts" if profile.form == "derived" else "trade"
    schema = json.loads((PROJECT_ROOT / f"columns/trade_log/{file}.schema.json").read_text())
    schema.pop("examples", None)
    for field in schema["properties"].values():
        for note in ("title", "unit", "known", "synonyms", "session", "zone"):  # of readers, human and our own
            field.pop(note, None)
    assert find_column(compiled.generate, "trade")["output_format"] == schema
    assert find_column(compiled.refine, "refined_trade")["output_format"] == schema


def test_only_the_whole_flow_judges_what_the_checks_refuse(compiled: CompiledProfile) -> None:
    assert find_column(compiled.generate, "judge")["skip"] == {"when": "{{ not trade_checks.passed }}"}
    assert "skip" not in find_column(compiled.whole, "judge")


def test_no_key_is_written(compiled: CompiledProfile) -> None:
    text = json.dumps([getattr(compiled, stage) for stage in STAGES])
    assert KEY not in text
    assert "api_key" not in text


def test_configs_name_the_gold_wherever_they_are_read_from(gold: GoldFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(gold.folder.parent)
    compiled = compile_profile(load_profile("offline"), GoldFolder(Path("gold")))
    columns = [column for stage in STAGES for column in getattr(compiled, stage)["columns"] if "gold" in column]
    assert {column["gold"] for column in columns} == {str(gold.folder)}


def test_sessions_are_those_of_the_train_part(compiled: CompiledProfile, gold: GoldFolder) -> None:
    drawn = find_column(compiled.plan, "session_date")["params"]["values"]
    assert drawn == sorted({str(day) for day in gold.train["session_date"]})
    assert not {str(day) for day in gold.holdout["session_date"]} & set(drawn)


def test_written_config_says_what_it_is_and_reads_back(compiled: CompiledProfile, tmp_path: Path) -> None:
    write_config(compiled.whole, tmp_path / "new/whole.yaml", "The whole flow.")
    text = (tmp_path / "new/whole.yaml").read_text(encoding="utf-8")
    assert text.startswith("# The whole flow.\nmodel_configs:\n")
    assert yaml.safe_load(text) == compiled.whole


def test_seed_rows_are_used_in_order() -> None:
    assert add_seed({"columns": []}, Path("rows.parquet")) == {
        "seed_config": {
            "source": {"seed_type": "local", "path": "rows.parquet"},
            "sampling_strategy": "ordered",
        },
        "columns": [],
    }


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (None, "- Near {{ heat }}."),
        ({"field": "ticker"}, "- Near {{ heat }}."),
        ({"field": "entry_volatility_percent", "tolerance": 0.0125}, "- Near {{ heat }}. Tolerance: 0.0125."),
    ],
)
def test_sentence_of_a_control(check: dict[str, Any] | None, said: str) -> None:
    assert say_control(Control({"name": "heat"}, "Near {{ heat }}.\n", None, check)) == said


def test_plan_repeats_with_its_seed_whatever_was_drawn_before(gold: GoldFolder, tmp_path: Path) -> None:
    first = draw_plan(load_profile("nim_dev"), gold, tmp_path / "first")
    np.random.seed(99)
    assert draw_plan(load_profile("nim_dev"), gold, tmp_path / "again") == first
    assert draw_plan(load_profile("nim_dev"), gold, tmp_path / "other", seed=8) != first


def test_profiles_with_the_same_controls_draw_the_same_plan(gold: GoldFolder, tmp_path: Path) -> None:
    dev, prod = (draw_plan(load_profile(name), gold, tmp_path / name) for name in ("nim_dev", "nim_prod"))
    assert dev == prod


def test_plan_is_drawn_from_the_train_part_and_says_its_controls(gold: GoldFolder, tmp_path: Path) -> None:
    plan = draw_plan(load_profile("offline"), gold, tmp_path)
    train = set(gold.train["trade_id"])
    assert len({row["variation"] for row in plan}) == len(plan)
    for row in plan:
        assert len(set(row["gold_examples__ids"]) & train) == 3
        assert f"- Its ticker is {row['ticker']}.\n- Its trade_type is {row['trade_type']}." in row["controls"]
        assert f"Ticker: {row['ticker']}." in row["trade_rules"]


def test_control_that_neither_matches_nor_checks_is_enough(
    gold: GoldFolder, tmp_path: Path, write_profile: WriteProfile
) -> None:
    profile = load_profile(write_profile(tmp_path / "one.yaml", {"controls": ["session_period"]}))
    for row in draw_plan(profile, gold, tmp_path / "artifacts"):
        assert len(row["gold_examples__ids"]) == 3
        assert "Price of SIM1" in row["trade_rules"]
        assert "Price of SIM2" in row["trade_rules"]


def test_a_profile_without_controls_says_that_nothing_is_asked(gold: GoldFolder) -> None:
    columns = compile_profile(load_profile("offline", {"sets": ("controls=[]",)}), gold).plan["columns"]
    assert next(column["expr"] for column in columns if column["name"] == "controls") == NO_CONTROL
