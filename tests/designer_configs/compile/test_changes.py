"""Changes that the command line makes to a profile: read, made, and held against the rules of the file."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError

Cli = Callable[..., Result]


def change(*sets: str, onlys: tuple[str, ...] = (), name: str = "offline", **others: Any) -> Profile:
    return load_profile(name, {"sets": sets, "onlys": onlys, **others})


def test_values_are_yaml_and_reach_the_profile() -> None:
    sets = ("run.seed=8", "models.judge.model = x", "run.max_tokens=null", "export=[parquet]", "trace=full")
    profile = change(*sets)
    assert (profile.run.seed, profile.models["judge"].model, profile.run.max_tokens) == (8, "x", None)
    assert (profile.export, profile.trace) == (("parquet",), "full")
    assert profile.changes == (
        "run.seed=8",
        "models.judge.model = x",
        "run.max_tokens=null",
        "export=[parquet]",
        "trace=full",
    )


def test_what_a_yaml_alias_shares_is_changed_in_one_place() -> None:
    profile = change("models.judge.inference_parameters.temperature=0.1")
    temperatures = [profile.models[role].inference_parameters["temperature"] for role in ("generator", "judge")]
    assert temperatures == [0.8, 0.1]


def test_a_key_with_a_dot_of_its_own_stands_in_quotes() -> None:
    price = "{prompt_per_million: 1, completion_per_million: 2}"
    assert change("models.judge.model=a.b/c", f'prices.models."a.b/c"={price}').prices.per_million["a.b/c"] == (1, 2)


def test_a_name_that_stands_alone_becomes_a_mapping() -> None:
    assert (change("engine.ray.workers=2").engine.name, change("engine.ray.workers=2").engine.workers) == ("ray", 2)


def test_the_number_asked_scales_what_was_set() -> None:
    profile = change("run.accepted=100", "run.max_candidates=300", num=10)
    assert (profile.run.accepted, profile.run.max_candidates) == (10, 30)


def test_the_effective_profile_means_the_same_without_the_changes(tmp_path: Path) -> None:
    changed = change("run.seed=8", onlys=("controls.target_volatility=0.4",))
    (tmp_path / "same.yaml").write_text(changed.to_yaml())
    assert dict(load_profile(tmp_path / "same.yaml").document) == dict(changed.document)


@pytest.mark.parametrize(
    ("only", "name", "params"),
    [
        ("controls.target_volatility=0.4", "offline", {"values": [0.4]}),  # from the gold: any value may be asked for
        ("controls.target_volatility=[0.3, 0.5]", "nim_dev", {"values": [0.3, 0.5], "weights": [1 / 3, 2 / 3]}),
        ("controls.ticker=SIM1", "offline", {"values": ["SIM1"]}),
    ],
)
def test_a_control_draws_the_named_values_alone(only: str, name: str, params: dict[str, Any]) -> None:
    uses = {use.name: use for use in change(onlys=(only,), name=name).controls}
    assert uses[only.partition("=")[0].partition(".")[2]].params == params


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("sets", "nonsense", "is no change: write it as KEY=VALUE"),
        ("sets", "=8", "is no change"),
        ("sets", "run..seed=8", "is no change"),
        ("sets", "run.sed=8", "did you mean seed"),
        ("sets", "run.seed=-3", "must be at least 0"),
        ("sets", "run.seed=many", "must be"),
        ("sets", "run.seed=[1", "not valid YAML"),
        ("sets", "run.seed=!!python/object:x 1", "the tag"),
        ("sets", "run.seed=1\nother: 2", "more than one value"),
        ("sets", "run=&a [*a]", "refers to itself"),
        ("sets", "models.judg.model=x", "judg"),
        ("sets", "dataset=vpaa", "did you mean vpa"),
        ("sets", "controls.0=x", "controls is a list"),
        ("onlys", "controls.tickr=A", "did you mean ticker"),
        ("onlys", "run.seed=3", "narrows a control"),
        ("onlys", "controls.ticker=", "needs a value"),
        ("onlys", "controls.ticker={a: 1}", "needs a value"),
    ],
)
def test_a_change_that_cannot_be_made_is_the_command_lines_fault(option: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match="command line: --") as caught:
        load_profile("offline", {option: (text,)})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("controls.target_volatility=bad", "no row can have it: 'bad' is not of type 'number'"),
        ("controls.ticker=[A, A]", '"A" is in the list already'),
        ("controls.ticker=[A, ' ']", '" " is blank, and a prompt would say nothing'),
        ("controls.ticker=on", "YAML reads on as true: put it in quotes to make it text"),
    ],
)
def test_a_value_that_no_row_can_have_is_the_command_lines_fault(only: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        change(onlys=(only,))
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.path) == ("command line", None, f"--only {only}")
    assert problem.message.startswith(message)
    assert "or write true" not in problem.message


def test_a_value_that_a_control_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"is none of the values that it has: 0\.3, 0\.4"):
        change(onlys=("controls.target_volatility=7",), name="nim_dev")


def test_every_fault_is_listed_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        change("run.sed=8", "acceptance.realism=9", onlys=())
    assert len(caught.value.problems) == 2


@given(st.text(max_size=40))
def test_no_text_is_more_than_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        load_profile("offline", {"sets": (text,)})


def test_the_command_takes_changes_and_keeps_them(cli: Cli, tmp_path: Path) -> None:
    arguments = ["--num", 4, "--set", "run.seed=8", "--only", "controls.ticker=SIM1", "--out", tmp_path / "run"]
    assert cli("generate", "offline", *arguments).exit_code == 0
    provenance = json.loads((tmp_path / "run/provenance.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "run/accepted.jsonl").read_text().splitlines()]
    assert (provenance["changes"], provenance["seed"]) == (["run.seed=8", "controls.ticker=SIM1"], 8)
    assert {row["ticker"] for row in rows} == {"SIM1"}


@pytest.mark.parametrize("command", [("preview",), ("generate", "--estimate")])
def test_other_commands_take_changes_too(cli: Cli, command: tuple[str, ...]) -> None:
    said = cli(command[0], "offline", *command[1:], "--set", "run.sed=8")
    assert (said.exit_code, "--set run.sed=8" in said.output) == (2, True)
