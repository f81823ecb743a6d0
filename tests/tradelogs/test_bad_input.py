"""What cannot be used is refused with one clear message and the design's exit code, and nothing is left behind."""

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result
from data_designer.engine.models.clients.retry import RetryConfig

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "gold_data/sample/trades.csv"
HEADER = SAMPLE.read_text().splitlines()[0]

Cli = Callable[..., Result]
WriteProfile = Callable[[Path, Mapping[str, Any]], Path]
Refuse = Callable[..., str]


@pytest.fixture
def refuse(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Run a command that must fail with this exit code, in one message, and leave the folder as it was; give it."""
    monkeypatch.chdir(tmp_path)

    def run(code: int, *arguments: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        result = cli(*arguments)
        assert result.exit_code == code, result.output
        assert isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        assert sorted(tmp_path.rglob("*")) == before
        _, marked, message = result.stderr.partition("rror: ")  # ours, or that of the command line itself
        assert marked
        return message

    return run


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_unknown_profile_names_the_known_ones(refuse: Refuse) -> None:
    assert "there is no profile ofline; did you mean offline?" in refuse(2, "generate", "ofline")
    message = refuse(2, "generate", "zzz")
    assert "there is no profile zzz; known: " in message
    assert "local_llm, microservices, nim_dev, nim_prod, offline, " in message


@pytest.mark.parametrize("command", ["generate", "preview"])
def test_missing_gold_is_named(refuse: Refuse, tmp_path: Path, command: str) -> None:
    message = refuse(2, command, "offline", "--gold-trades", "my.csv")
    assert message.startswith(f"{tmp_path / 'my.csv'}: there is no such file")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (f"{HEADER}\n", "holds a header but no trades"),
        ("a,b\n1,2\n", "missing columns: ticker, trade_type"),
        (HEADER.replace("entry_price", "entry price") + "\nx\n", "entry_price (is it `entry price`?)"),
    ],
)
def test_gold_without_trades_is_refused(refuse: Refuse, tmp_path: Path, text: str, said: str) -> None:
    assert said in refuse(2, "generate", "offline", "--gold-trades", write(tmp_path / "my.csv", text), "--out", "out")


def test_gold_of_which_no_row_is_sound_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    rows = SAMPLE.read_text().splitlines()[1:4]
    broken = "\n".join([HEADER, *(row.replace("buy", "hold").replace("short", "hold") for row in rows)])
    message = refuse(2, "generate", "offline", "--gold-trades", write(tmp_path / "my.csv", broken))
    assert "my.csv" in message


def test_bars_with_the_wrong_columns_are_refused(refuse: Refuse, tmp_path: Path) -> None:
    bars = write(tmp_path / "bars.csv", "a,b\n1,2\n")
    assert "missing columns: ticker, timestamp" in refuse(2, "generate", "offline", "--gold-bars", bars)


@pytest.fixture
def calm_gold(tmp_path: Path) -> Path:
    """Gold of a calmer market: volatilities from 0.03 to 0.11 percent."""
    trades = pl.read_csv(SAMPLE).with_columns(pl.col("entry_volatility_percent") / 10)
    trades.write_csv(tmp_path / "calm.csv")
    return tmp_path / "calm.csv"


def test_buckets_outside_the_gold_are_refused_with_both_ranges(
    refuse: Refuse, write_profile: WriteProfile, tmp_path: Path, calm_gold: Path
) -> None:
    fixed = {"controls": ["target_volatility", "ticker", "trade_type"]}
    profile = write_profile(tmp_path / "mine.yaml", fixed)
    message = refuse(2, "generate", profile, "--gold-trades", calm_gold, "--out", "out")
    low = pl.read_csv(calm_gold)["entry_volatility_percent"].to_numpy().min()
    assert f"the buckets 0.3 to 1.1 lie outside the gold's entry_volatility_percent, {low:g} to 0.1" in message
    assert "from_gold: {bins: 9}" in message


def test_foreign_buckets_and_a_missing_key_are_told_at_once(
    refuse: Refuse, calm_gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    message = refuse(2, "generate", "nim_dev", "--gold-trades", calm_gold, "--out", "out")
    assert "the environment variable NVIDIA_API_KEY is not set" in message
    assert "the buckets 0.3 to 1.1 lie outside the gold's" in message


@pytest.mark.parametrize("profile", ["nim_dev", "nim_prod"])
@pytest.mark.parametrize("command", ["generate", "preview"])
def test_missing_key_is_named(refuse: Refuse, monkeypatch: pytest.MonkeyPatch, command: str, profile: str) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    assert "export NVIDIA_API_KEY=..." in refuse(2, command, profile)


def test_folder_with_something_in_it_is_not_written_to(refuse: Refuse, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out/notes.txt", "mine")
    assert refuse(2, "generate", "offline", "--out", "out").startswith(f"{tmp_path}/out is there already and not empty")


def test_file_in_the_folders_place_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    write(tmp_path / "out", "")
    assert refuse(2, "generate", "offline", "--out", "out").startswith(f"{tmp_path}/out is there already")
    message = refuse(2, "generate", "offline", "--out", "out/run")
    assert message.startswith(f"{tmp_path}/out/run cannot be made (Not a directory)")


@pytest.mark.parametrize("name", ["n" * 256, "é" * 128, "n" * 5000])
def test_folder_with_too_long_a_name_is_refused(refuse: Refuse, tmp_path: Path, name: str) -> None:
    message = refuse(2, "generate", "offline", "--out", name)
    assert message.endswith(f"'--out': {tmp_path}/{name} cannot be used (File name too long): name another\n")


def test_resuming_a_folder_with_too_long_a_name_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    message = refuse(2, "resume", "n" * 256)
    assert message.endswith(f"'RUN_FOLDER': {tmp_path}/{'n' * 256} cannot be used (File name too long): name another\n")


def test_resuming_what_is_no_run_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    for folder in ("nowhere", "."):
        assert refuse(2, "resume", folder).startswith(f"{(tmp_path / folder).resolve()} holds no run to go on with")


@pytest.mark.parametrize("limits", [{"run.max_tokens": 0}, {"run.refine_passes": 3}, {"run.accepted": "many"}])
def test_profile_with_a_bad_value_is_refused(
    refuse: Refuse, write_profile: WriteProfile, tmp_path: Path, limits: dict[str, Any]
) -> None:
    message = refuse(2, "generate", write_profile(tmp_path / "mine.yaml", limits))
    assert f"{tmp_path / 'mine.yaml'}:" in message
    assert next(iter(limits)) in message


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", "--num", "0"),
        ("generate", "--num", "many"),
        ("generate", "--seed", "-1"),
        ("generate", "--colour", "red"),
        ("preview", "--out", "x"),
        ("indicators",),
        ("indicators", "bars.csv"),
        ("offline-model", "--port", "high"),
        ("nothing",),
    ],
)
def test_option_that_cannot_be_is_refused(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--latency", "-1", "latency must be 0 seconds or more"),
        ("--port", "99999", "port must lie between 0 and 65535"),
    ],
)
def test_offline_model_refuses_a_bad_option(refuse: Refuse, option: str, value: str, said: str) -> None:
    assert said in refuse(2, "offline-model", option, value)


class RefusesKeys(BaseHTTPRequestHandler):
    """Answers every request with 401, as a provider does that does not know the key."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}'
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def locked() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), RefusesKeys) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def name_provider(endpoint: str) -> dict[str, Any]:
    provider = {"name": "mine", "endpoint": endpoint, "provider_type": "openai", "api_key_env": "REHEARSAL_API_KEY"}
    return {"provider": provider}


@pytest.mark.parametrize("command", ["generate", "preview"])
def test_wrong_key_ends_before_anything_is_made(
    refuse: Refuse,
    write_profile: WriteProfile,
    tmp_path: Path,
    locked: str,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    monkeypatch.setenv("REHEARSAL_API_KEY", "canary-wrong-key")
    profile = write_profile(tmp_path / "mine.yaml", name_provider(locked))
    message = refuse(1, command, profile, *(("--out", "out") if command == "generate" else ()))
    assert message.startswith(f"the provider mine at {locked} does not answer as it should.")
    assert "API key" in message
    assert "canary-wrong-key" not in message


def test_endpoint_that_nobody_answers_at_ends_before_anything_is_made(
    refuse: Refuse, write_profile: WriteProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_API_KEY", "any")
    without_retries = partial(RetryConfig, max_retries=0)  # the library's own take 14 seconds
    monkeypatch.setattr("data_designer.engine.models.clients.retry.RetryConfig", without_retries)
    profile = write_profile(tmp_path / "mine.yaml", name_provider("http://127.0.0.1:9/v1"))
    message = refuse(1, "generate", profile, "--out", "out")
    assert message.startswith("the provider mine at http://127.0.0.1:9/v1 does not answer as it should.")
    assert "nothing listens there: is the server started" in message


@pytest.mark.parametrize("option", ["--gold-bars", "--gold-rows", "--gold", "--out"])
def test_links_that_lead_to_themselves_are_bad_input(refuse: Refuse, tmp_path: Path, option: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert "loop" in refuse(2, "generate", "offline", option, "loop")


def test_a_file_where_a_folder_is_meant_is_bad_input(refuse: Refuse, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (("show",), ("diff", "run"), ("verify",), ("export", "--to", "hf")):
        refuse(2, *command, "file/x")


def test_a_preview_is_one_round(refuse: Refuse) -> None:
    assert "600 candidates at most" in refuse(2, "preview", "offline", "--num", 601)
