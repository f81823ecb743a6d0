"""Nobody is told of a run but its endpoint, and nothing is written to a person's home."""

import ast

import pytest

from tests.process import TRADELOGS

from .conftest import Place, WriteShipped
from .endpoint import open_telltale, say

TELEMETRY = """\
import data_designer.cli.main
from data_designer.interface import DataDesigner
from data_designer.engine.models import telemetry
print(telemetry.TELEMETRY_ENABLED)
"""
SHOW = "from tradelogs.environment import prepare_environment as p; p(); import os; print(dict(os.environ))"


def list_peers(place: Place) -> set[str]:
    """Name whom a process connected to or asked for by name, the name service of the machine aside."""
    return {line for line in place.connections if "'/" not in line}


@pytest.mark.parametrize("command", [("generate", "--num", "4"), ("preview", "--num", "2")])
def test_a_run_connects_to_its_endpoint_alone(
    place: Place, write_shipped: WriteShipped, command: tuple[str, ...]
) -> None:
    with open_telltale(lambda asked: say(asked.text)) as telltale:
        profile = write_shipped("nim_dev", {"provider": {"name": "nvidia", "endpoint": telltale.url}})
        out = ("--out", place.run) if command[0] == "generate" else ()
        others = {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_API_KEY": "key-of-theirs"}
        others |= {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
        others |= {"NVIDIA_API_KEY": "any-key-at-all"}
        if command[0] == "generate":  # started anew, as imports connect to nobody either
            code = place.execute_cold("-c", TRADELOGS, command[0], profile, *command[1:], *out, **others).returncode
        else:
            code = place.execute(command[0], profile, *command[1:], *out, **others)
        assert code in (0, 3), (place.folder / "notes/said").read_text()
        peers = list_peers(place)
    assert any(f"('127.0.0.1', {telltale.port})" in peer for peer in peers)
    assert {peer for peer in peers if str(telltale.port) not in peer} == set()
    assert list(place.home.iterdir()) == []
    assert list((place.folder / "tmp").iterdir()) == []
    assert list((place.folder / "cwd").iterdir()) == []


def test_the_hook_sees_a_connection(place: Place) -> None:
    code = "import socket; s = socket.socket(); s.settimeout(1); s.connect_ex(('127.0.0.1', 9))"
    assert place.execute_cold("-c", code).returncode == 0
    assert place.connections == ["socket.connect (('127.0.0.1', 9),)"]


@pytest.mark.parametrize(("chosen", "enabled"), [({}, "False"), ({"NEMO_TELEMETRY_ENABLED": "true"}, "True")])
def test_data_designers_own_commands_are_quiet_too(place: Place, chosen: dict[str, str], enabled: str) -> None:
    done = place.execute_cold("-c", TELEMETRY, DATA_DESIGNER_HOME=str(place.folder / "notes"), **chosen)
    assert done.stdout.decode().strip() == enabled, done.stderr


def show_environment(place: Place, **variables: str) -> dict[str, str]:
    done = place.execute_cold("-c", SHOW, **variables)
    shown: dict[str, str] = ast.literal_eval(done.stdout.decode())
    return shown


def test_a_persons_choice_wins_but_for_tracing(place: Place) -> None:
    chosen = {"NEMO_TELEMETRY_ENABLED": "true", "DATA_DESIGNER_HOME": "/nowhere", "LANGSMITH_TRACING": "true"}
    shown = show_environment(place, **chosen)
    assert (shown["NEMO_TELEMETRY_ENABLED"], shown["DATA_DESIGNER_HOME"]) == ("true", "/nowhere")
    assert (shown["LANGSMITH_TRACING"], shown["HF_HUB_DISABLE_TELEMETRY"]) == ("false", "1")


def test_tracing_is_to_be_asked_for(place: Place) -> None:
    shown = show_environment(place, LANGSMITH_TRACING="true", TRADELOGS_LANGSMITH_TRACING="true")
    assert shown["LANGSMITH_TRACING"] == "true"


def test_what_was_downloaded_for_samplers_is_found(place: Place) -> None:
    assets = place.folder / "home/.data-designer/managed-assets"
    assets.mkdir(parents=True)
    shown = show_environment(place)
    assert shown["DATA_DESIGNER_MANAGED_ASSETS_PATH"] == str(assets)
    assert not shown["DATA_DESIGNER_HOME"].startswith(str(place.home))
