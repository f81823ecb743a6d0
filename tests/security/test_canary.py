"""A key reaches no file and no output, whatever the provider does with it."""

import base64
import gzip
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest

from .conftest import Place, WriteShipped
from .endpoint import Tell, open_telltale, refuse, say, send_elsewhere, tell_in_every_way

CANARY = "canary/7f3a9d+not=to-be-written-anywhere"
KEY_ENV = {"nim_dev": "NVIDIA_API_KEY", "nim_prod": "NVIDIA_API_KEY"}
PATIENT = {"patience_minutes": 2}  # a few errors in a row are no reason to give up
FORMS = [
    CANARY.encode(),
    quote(CANARY, safe="").encode(),
    CANARY.encode().hex().encode(),
    *(base64.b64encode(b"-" * n + CANARY.encode())[4 * (n > 0) : -8] for n in range(3)),
]


def read_plainly(path: Path) -> bytes:
    """Read a file's bytes, and what is compressed in it as text."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        content += repr(pl.read_parquet(path).to_dicts()).encode()
    elif path.suffix == ".gz":
        content += gzip.decompress(content)
    return content


def find_key(folder: Path) -> list[str]:
    """List the files that hold the key in any form, in content or name."""
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and holds_key(path)]


def holds_key(path: Path) -> bool:
    content = read_plainly(path) + str(path).encode()
    return any(form in content for form in FORMS)


def make_provider(name: str, url: str) -> dict[str, str]:
    key = KEY_ENV.get(name, "MY_API_KEY")
    names = {"nim_dev": "nvidia", "nim_prod": "nvidia", "local_llm": "ollama"}
    return {"name": names.get(name, "telltale"), "endpoint": url, "provider_type": "openai", "api_key_env": key}


def run_told(place: Place, write: WriteShipped, name: str, tell: Tell, **changes: object) -> Iterator[int]:
    """Run a profile's generate, preview and resume against an endpoint that tells the key; give the exit codes."""
    with open_telltale(tell) as telltale:
        provider = make_provider(name, telltale.url)
        profile, key = write(name, {"provider": provider, **changes}), {provider["api_key_env"]: CANARY}
        yield place.execute("generate", profile, "--num", 6, "--out", place.run, "--verbose", **key)
        yield place.execute("preview", profile, "--num", 3, "--verbose", **key)
        yield place.execute("resume", place.run, **key)
        assert set(telltale.keys) == {CANARY}


def test_the_search_finds_a_key_that_is_hidden(tmp_path: Path) -> None:
    pl.DataFrame({"a": [f"Bearer {CANARY}"] * 50}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.gz").write_bytes(gzip.compress(CANARY.encode()))
    (tmp_path / "c").write_bytes(base64.b64encode(f"Bearer {CANARY}".encode()))
    assert len(find_key(tmp_path)) == 3


def test_a_key_told_in_every_way_is_written_nowhere(place: Place, write_shipped: WriteShipped) -> None:
    codes = list(run_told(place, write_shipped, "offline", tell_in_every_way, trace="full", run=PATIENT))
    assert codes[0] in (0, 3)
    assert (place.run / "trace").is_dir()
    assert b"[MY_API_KEY]" in (place.run / "data_designer.log").read_bytes()
    assert "[MY_API_KEY]" in repr(pl.read_parquet(place.run / "ledger.parquet").to_dicts())
    assert find_key(place.folder) == []


@pytest.mark.parametrize("status", [401, pytest.param(403, marks=pytest.mark.slow)])
def test_a_key_that_is_refused_is_not_repeated(place: Place, write_shipped: WriteShipped, status: int) -> None:
    codes = list(run_told(place, write_shipped, "offline", refuse(status)))
    assert codes[:2] == [1, 1]
    assert b"refuse" in (place.folder / "notes/said").read_bytes().lower()
    assert find_key(place.folder) == []


def test_a_key_in_a_redirect_is_not_repeated(place: Place, write_shipped: WriteShipped) -> None:
    with open_telltale(send_elsewhere) as telltale:
        profile = write_shipped("offline", {"provider": make_provider("offline", telltale.url)})
        assert place.execute("generate", profile, "--out", place.run, "--verbose", MY_API_KEY=CANARY) == 1
    assert b"provider.endpoint" in (place.folder / "notes/said").read_bytes()
    assert find_key(place.folder) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nim_dev", "nim_prod", "local_llm"])
def test_no_shipped_profile_tells_a_key(place: Place, write_shipped: WriteShipped, name: str) -> None:
    assert next(iter(list(run_told(place, write_shipped, name, tell_in_every_way, run=PATIENT)))) in (0, 3)
    assert find_key(place.folder) == []


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_key_in_a_persistent_error_is_not_repeated(place: Place, write_shipped: WriteShipped, status: int) -> None:
    tell = refuse(status)
    list(run_told(place, write_shipped, "offline", lambda asked: say(asked.text) if asked.number < 0 else tell(asked)))
    assert find_key(place.folder) == []


@pytest.mark.parametrize("key", [f"{CANARY}\n", f"{CANARY}\u2026", f"\x7f{CANARY}"])
def test_a_key_that_is_no_header_is_not_shown(place: Place, write_shipped: WriteShipped, key: str) -> None:
    with open_telltale(refuse(401)) as telltale:
        profile = write_shipped("offline", {"provider": make_provider("offline", telltale.url)})
        assert place.execute("generate", profile, "--out", place.run, "--verbose", MY_API_KEY=key) == 1
    assert find_key(place.folder) == []


def test_the_offline_profile_needs_no_key_and_tells_none(place: Place) -> None:
    arguments = ("generate", "offline", "--num", 3, "--out", place.run, "--verbose")
    assert place.execute(*arguments, NVIDIA_API_KEY=CANARY, OPENAI_API_KEY=CANARY) == 0
    assert find_key(place.folder) == []


def test_the_address_of_a_service_may_hold_a_password(place: Place) -> None:
    address = f"http://someone:{quote(CANARY, safe='')}@127.0.0.1:9"
    place.execute("generate", "microservices", "--out", place.run, "--verbose", NEMO_MICROSERVICES_BASE_URL=address)
    assert find_key(place.folder) == []


@pytest.mark.parametrize("key", ["api_key_env", "endpoint"])
def test_a_key_pasted_into_a_profile_is_not_shown(place: Place, write_shipped: WriteShipped, key: str) -> None:
    given = CANARY if key == "api_key_env" else f"http://me:{CANARY}@127.0.0.1:9/v1"
    profile = write_shipped("offline", {"provider": {**make_provider("offline", "http://127.0.0.1:9/v1"), key: given}})
    assert place.execute("generate", profile, "--out", place.run) == 2
    assert f"provider.{key}: must be the".encode() in (place.folder / "notes/said").read_bytes()
    profile.unlink()
    assert find_key(place.folder) == []
