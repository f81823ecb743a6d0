"""A model file that a profile names: what is refused before anything starts, and what its server is told."""

import stat
import sys
from pathlib import Path

import pytest

from designer_configs.compile.check import check_environment, check_profile
from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.profile import load_profile
from local_model import launch
from local_model.serve import find_weights
from offline_model.errors import OfflineModelError

SHIPPED = (PROJECT_ROOT / "designer_configs/smollm2.yaml").read_text(encoding="utf-8")
PROVIDER = "{name: llama_cpp, gguf: smollm2, context: 4096}"
FAKE = """#!{python}
import sys
print("local model listening on http://127.0.0.1:1/" + "_".join(sys.argv[2:]), flush=True)
sys.stdin.read()
"""


def check(folder: Path, provider: str) -> list[str]:
    path = folder / "mine.yaml"
    path.write_text(SHIPPED.replace(PROVIDER, provider), encoding="utf-8")
    return [problem.message for problem in check_profile(path)]


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("{name: ollama, gguf: smollm2}", "name the provider llama_cpp, or drop gguf"),
        ("{name: llama_cpp, gguf: smollm2, endpoint: 'http://localhost:1/v1'}", "served by the run itself"),
        ("{name: llama_cpp, gguf: smollm2, api_key_env: MY_KEY}", "wants no key"),
        ("{name: llama_cpp, gguf: 'https://host/a.gguf'}", "must be the path of a .gguf file on this machine"),
        ("{name: llama_cpp, gguf: weights.bin}", "must be the path of a .gguf file on this machine"),
        ("{name: llama_cpp, threads: 2, endpoint: 'http://localhost:1/v1'}", "goes with gguf, which is missing"),
        ("{name: llama_cpp}", "the endpoint of llama_cpp is not known"),
    ],
)
def test_a_provider_that_cannot_be_served_is_refused(tmp_path: Path, provider: str, said: str) -> None:
    assert said in " ".join(check(tmp_path, provider))


def test_a_file_that_is_not_there_is_named_before_the_run(tmp_path: Path) -> None:
    assert check(tmp_path, f"{{name: llama_cpp, gguf: {tmp_path}/no.gguf}}") == []
    problems = check_environment(load_profile(tmp_path / "mine.yaml"))
    assert [(p.path, p.message) for p in problems] == [
        ("provider.gguf", f"there is no file {tmp_path}/no.gguf: name one that is there")
    ]


def test_the_context_has_a_default_only_where_there_is_a_gguf() -> None:
    assert load_profile("smollm2").provider.context == 4096
    assert "context" not in load_profile("local_llm").document["provider"]


def test_the_server_is_told_what_the_profile_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "python"
    fake.write_text(FAKE.format(python=sys.executable), encoding="utf-8")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(launch, "PYTHON", fake)
    with launch.serve_gguf("smollm2", slots=3, context=2048, threads=None) as endpoint:
        told = endpoint.rpartition("/")[2]
    assert told == "--gguf_smollm2_--slots_3_--context_2048_--threads_0"


def test_without_llama_cpp_a_person_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "PYTHON", Path("/nowhere/python"))
    monkeypatch.setattr(launch, "ENGINE", "no_such_engine")
    with (
        pytest.raises(OfflineModelError, match="run `make model`"),
        launch.serve_gguf("a", slots=1, context=1, threads=1),
    ):
        pass


def test_weights_are_a_path_or_a_package(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    assert find_weights(str(tmp_path / "a.gguf")) == tmp_path / "a.gguf"
    with pytest.raises(FileNotFoundError, match="there is no file"):
        find_weights("b.gguf")
