from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.profile import (
    BackendChoice,
    ControlUse,
    Model,
    Profile,
    Provider,
    RunLimits,
    list_profiles,
    load_controls,
    load_profile,
)
from designer_configs.errors import ConfigError
from gold_data.source import GoldSource

SMALL = """\
schema_version: 1
description: small
dataset: trade_log
controls: [ticker, {use: target_volatility, from_gold: {bins: 3}}]
provider: {name: offline}
models:
  generator: {model: a, inference_parameters: {temperature: 0.5}}
  judge: {model: b}
  refiner: {model: c, skip_health_check: true}
gold: {trades: gold.csv, bars: bars.csv}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_what_is_left_out_comes_from_the_defaults(small: Path) -> None:
    profile = load_profile(small)
    assert (profile.name, profile.file, profile.dataset.name) == ("small", str(small), "trade_log")
    assert profile.controls == (ControlUse("ticker"), ControlUse("target_volatility", from_gold={"bins": 3}))
    assert profile.provider == Provider("offline", None, "openai", None)
    assert profile.models["generator"] == Model(
        "a", {"temperature": 0.5, "max_parallel_requests": 16, "timeout": 60}, False
    )
    assert profile.models["refiner"] == Model("c", {"max_parallel_requests": 16, "timeout": 60}, True)
    assert profile.backend == BackendChoice("library")
    assert profile.gold == GoldSource({"trades": PROJECT_ROOT / "gold.csv", "bars": PROJECT_ROOT / "bars.csv"}, 0.2)
    assert profile.run == RunLimits(200, 400, 2, 7, 30, None, None, 10, 4, 1)
    assert profile.acceptance == {"realism": 4, "consistency": 4, "completeness": 4}
    assert (len(profile.options["indicators"]), profile.export) == (25, ("parquet", "csv", "jsonl"))


def test_defaults_then_the_file_then_the_command_line(small: Path) -> None:
    with small.open("a", encoding="utf-8") as file:
        file.write("run: {accepted: 30, max_candidates: 100, seed: 1}\nacceptance: {realism: 3}\nexport: [parquet]\n")
    profile = load_profile(small, {"num": 7, "seed": 9})
    assert profile.run == RunLimits(7, 24, 2, 9, 30, None, None, 10, 4, 1)  # 100 x 7 / 30 = 23.3, rounded up
    assert profile.acceptance == {"realism": 3, "consistency": 4, "completeness": 4}
    assert profile.export == ("parquet",)


def test_gold_of_the_command_line_is_relative_to_the_current_folder(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trades_only = load_profile("small.yaml", {"gold_rows": Path("my.csv"), "gold_bars": None})
    assert trades_only.gold == GoldSource({"trades": tmp_path / "my.csv"}, 0.2)
    both = load_profile("small.yaml", {"gold_rows": "my.csv", "gold_bars": "../b.parquet"})
    assert both.gold == GoldSource({"trades": tmp_path / "my.csv", "bars": tmp_path.parent / "b.parquet"}, 0.2)
    assert load_profile("small.yaml", {"gold_bars": "b"}).gold.files["trades"] == PROJECT_ROOT / "gold.csv"


def test_gold_inside_the_repository_is_written_relative_to_its_root(small: Path) -> None:
    profile = load_profile(small, {"gold_rows": PROJECT_ROOT / "gold_data/sample/trades.csv"})
    assert yaml.safe_load(profile.to_yaml())["gold"] == {
        "trades": "gold_data/sample/trades.csv",
        "bars": None,
        "holdout": 0.2,
        "embargo": 0,
        "disguise": False,
    }


def test_nvidia_knows_its_address_and_the_name_of_its_key(small: Path) -> None:
    small.write_text(SMALL.replace("{name: offline}", "{name: nvidia}"), encoding="utf-8")
    assert load_profile(small).provider == Provider(
        "nvidia", "https://integrate.api.nvidia.com/v1", "openai", "NVIDIA_API_KEY"
    )
    small.write_text(SMALL.replace("{name: offline}", "{name: nvidia, api_key_env: MY_KEY}"), encoding="utf-8")
    assert load_profile(small).provider.api_key_env == "MY_KEY"


def test_a_service(small: Path) -> None:
    small.write_text(SMALL.replace("{name: offline}", "{name: its}\nbackend: {microservices: {}}"), encoding="utf-8")
    profile = load_profile(small)
    assert profile.backend == BackendChoice(
        "microservices", "NEMO_MICROSERVICES_BASE_URL", datastore_url_env="NEMO_DATASTORE_URL"
    )
    assert profile.provider.endpoint is None


@pytest.mark.parametrize("name", list_profiles())
@pytest.mark.parametrize("overrides", [{}, {"num": 3, "seed": 0, "gold_rows": "a.csv"}])
def test_the_effective_profile_is_a_profile_that_means_the_same(
    tmp_path: Path, name: str, overrides: Mapping[str, Any]
) -> None:
    takes_rows = "gold_rows" in overrides and load_profile(name).dataset.rows_key is not None
    profile = load_profile(name, {key: value for key, value in overrides.items() if key != "gold_rows" or takes_rows})
    path = tmp_path / "profile.yaml"
    path.write_text(profile.to_yaml(), encoding="utf-8")
    again = load_profile(str(path))
    assert again.to_yaml() == profile.to_yaml()
    assert drop_origin(again) == drop_origin(profile)


def drop_origin(profile: Profile) -> dict[str, Any]:
    return {key: value for key, value in vars(profile).items() if key not in ("name", "file", "path")}


@settings(max_examples=20)
@given(num=st.integers(1, 10**6), seed=st.integers(0, 2**32 - 1))
def test_the_cap_keeps_its_proportion(num: int, seed: int) -> None:
    run = load_profile("offline", {"num": num, "seed": seed}).run
    assert (run.accepted, run.max_candidates, run.seed) == (num, 2 * num, seed)


def test_the_shipped_profiles_never_let_a_model_judge_itself() -> None:
    assert {"local_llm", "microservices", "nim_dev", "nim_prod", "offline"} <= set(list_profiles())
    for profile in map(load_profile, list_profiles()):
        judge, writer = profile.dataset.find_column(profile.dataset.judge), profile.dataset.roles[0]
        assert judge is not None
        decides = set(profile.acceptance.values()) != {1}
        assert profile.models[judge["model_alias"]].model != profile.models[writer].model or not decides


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("offlin", "there is no profile offlin; did you mean offline? known: "),
        ("nowhere/offline.yaml", "there is no profile nowhere/offline.yaml; did you mean offline? known: "),
        ("../pyproject", "there is no profile ../pyproject; known: "),
    ],
)
def test_an_unknown_profile(name: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_profile(name)
    assert str(caught.value).startswith(f"designer_configs: {message}")


def test_every_problem_is_raised_at_once(small: Path) -> None:
    small.write_text(SMALL.replace("ticker", "tickr").replace("bins: 3", "bins: 1"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_profile(small)
    assert [str(problem).partition("; ")[0] for problem in caught.value.problems] == [
        f"{small}:4: controls.1.from_gold.bins: must be at least 2 and at most 100",
        f"{small}:4: controls.0: there is no columns/controls/tickr.yaml",
    ]
    small.write_text(SMALL.replace("ticker", "tickr").replace("bins: 3", "bin: 3"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"controls\.1\.from_gold\.bin: unknown key; did you mean bins"):
        load_profile(small)


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        ({"num": 0}, "command line: --num: must be at least 1; found 0"),
        ({"seed": -1}, "command line: --seed: must be at least 0 and at most 4294967295; found -1"),
    ],
)
def test_a_problem_of_the_command_line(small: Path, overrides: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_profile(small, overrides)
    assert str(caught.value) == problem


def change_control(use: ControlUse) -> dict[str, Any]:
    (control,) = load_controls(replace(load_profile("offline"), controls=(use,)))
    return control


def test_a_control_with_the_changes_of_a_profile() -> None:
    declared = change_control(ControlUse("target_volatility"))
    assert declared["column"]["params"]["values"][0] == 0.3
    params = change_control(ControlUse("target_volatility", params={"values": [1]}))
    assert (params["column"]["params"], params["from_gold"]) == ({"values": [1]}, None)
    gold = change_control(ControlUse("target_volatility", from_gold={"bins": 9}))
    assert "params" not in gold["column"]
    assert gold["from_gold"] == {"field": "entry_volatility_percent", "bins": 9}
    assert change_control(ControlUse("ticker"))["from_gold"] == {"field": "ticker"}
    assert change_control(ControlUse("ticker", params={"values": ["A"]}))["from_gold"] is None


@pytest.mark.parametrize(
    ("added", "path", "said"),
    [
        (
            "prices: {models: {x: {prompt_per_million: 1, completion_per_million: 2}}}",
            "prices.models.x",
            "no role uses it",
        ),
        ("run: {max_cost: 5}", "run.max_cost", "needs the price of every model; add to prices.models: a, b, c"),
        ("run: {patience_minutes: 0}", "run.patience_minutes", "above 0"),
    ],
)
def test_prices_and_patience_that_make_no_sense_are_said(small: Path, added: str, path: str, said: str) -> None:
    with small.open("a", encoding="utf-8") as file:
        file.write(f"{added}\n")
    with pytest.raises(ConfigError) as refused:
        load_profile(small)
    (problem,) = refused.value.problems
    assert problem.path == path
    assert said in problem.message


def test_fallback_is_another_model_with_parameters_of_its_own(small: Path) -> None:
    text = small.read_text(encoding="utf-8")
    assert "judge: {model: b" in text, text
    stands_in = "judge: {fallback: {model: spare, inference_parameters: {max_tokens: 9}}, model: b"
    small.write_text(text.replace("judge: {model: b", stands_in), encoding="utf-8")
    fallback = load_profile(small).models["judge"].fallback
    assert fallback == Model("spare", {"max_tokens": 9, "max_parallel_requests": 16, "timeout": 60}, True)
    small.write_text(text.replace("judge: {model: b", "judge: {fallback: {model: b}, model: b"), encoding="utf-8")
    with pytest.raises(ConfigError, match="b cannot stand in for itself"):
        load_profile(small)


def test_a_control_beside_the_profile_of_a_dataset_elsewhere_is_refused(small: Path) -> None:
    (small.parent / "columns/controls").mkdir(parents=True)
    control = (PROJECT_ROOT / "columns/controls/ticker.yaml").read_text(encoding="utf-8")
    mine = control.replace("name: ticker", "name: symbol").replace("{{ ticker }}", "{{ symbol }}")
    (small.parent / "columns/controls/symbol.yaml").write_text(mine, encoding="utf-8")
    small.write_text(SMALL.replace("controls: [ticker,", "controls: [symbol,"), encoding="utf-8")
    with pytest.raises(ConfigError, match="the control symbol lies in"):
        load_profile(small)


def test_a_control_of_ones_own_is_not_passed_over_for_a_shipped_one_of_its_name(small: Path) -> None:
    (small.parent / "columns/controls").mkdir(parents=True)
    shipped = (PROJECT_ROOT / "columns/controls/ticker.yaml").read_text(encoding="utf-8")
    (small.parent / "columns/controls/ticker.yaml").write_text(shipped, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"elsewhere, and a run would take .*controls/ticker.yaml: rename yours"):
        load_profile(small)
