"""`tradelogs judge calibrate`, as a person meets it, with judges whose every score is written here."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result
from data_designer.engine.models.clients.retry import RetryConfig

from designer_configs.compile.native import compile_profile
from designer_configs.compile.profile import load_profile
from gold_data.store import write_gold
from refine_loop.run import read_checked_gold
from tests.scripted_server import serve_replies
from verification.judge.calibration import FILE, OFFLINE_SAYS
from verification.judge.faults import PLANTED
from verification.judge.job import plan_calibration

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "gold_data/sample/trades.csv"
CRITERIA = ("realism", "consistency", "completeness")
WIDTH = 80

Cli = Callable[..., Result]
WriteProfile = Callable[[Path, Mapping[str, Any]], Path]
Judge = Callable[[str], str]


def judge_with(score: int) -> Judge:
    """Give every trade the same score."""
    return lambda _: json.dumps({name: {"reasoning": "it is what it is", "score": score} for name in CRITERIA})


@dataclass
class Endpoint:
    """Answers every prompt as `judge` says, and keeps what it was asked."""

    judge: Judge = field(default_factory=lambda: judge_with(5))
    prompts: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def reply(self, _: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        prompt = next(message["content"] for message in body["messages"] if message["role"] == "user")
        text = prompt if isinstance(prompt, str) else prompt[0]["text"]
        if "# Task" in text:  # and not the question whether it is there
            self.prompts.append(text)
            self.bodies.append(body)
        message = {"role": "assistant", "content": self.judge(text)}
        choices = [{"index": 0, "message": message}]
        return 200, {"id": "1", "object": "chat.completion", "model": "m", "choices": choices}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    script = Endpoint()
    with serve_replies(script.reply) as script.url:
        yield script


@pytest.fixture
def mine(endpoint: Endpoint, write_profile: WriteProfile, tmp_path: Path) -> Path:
    """Give a profile whose models are the scripted endpoint's."""
    provider = {"name": "scripted", "endpoint": endpoint.url, "provider_type": "openai", "api_key_env": None}
    return write_profile(tmp_path / "mine.yaml", {"provider": provider})


def read_metrics(folder: Path) -> tuple[str, dict[str, Any]]:
    answer = json.loads((folder / FILE).read_text())["answer"]
    return answer["verdict"], answer["metrics"]


@pytest.fixture(scope="module")
def calibrated(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Calibrate the offline judge on two rows of every fault."""
    folder = tmp_path_factory.mktemp("judge") / "out"
    return folder, cli("judge", "calibrate", "offline", "--rows", 2, "--all", "--out", folder)


def test_offline_judge_is_calibrated_and_said_to_prove_nothing(calibrated: tuple[Path, Result]) -> None:
    folder, result = calibrated
    assert result.exit_code == 0, result.output
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert OFFLINE_SAYS in result.output
    verdict, metrics = read_metrics(folder)
    assert f"verdict: {verdict}. " in result.output
    assert metrics["is_offline"]
    assert metrics["false_reject"]["value"] == 0.0
    assert f"written: {folder / FILE}" in result.output


def test_requests_are_said_and_tables_fit_a_terminal(calibrated: tuple[Path, Result]) -> None:
    said = calibrated[1].output
    match = re.search(r"(\d+) rows: 35 kinds of fault planted in gold, 10 untouched\. 3 tries each: (\d+) req", said)
    assert match is not None
    assert int(match[2]) == 3 * int(match[1]) == 3 * (35 * 2 + 10)
    assert "left out, as no field of a gold trade tells their value: session_period" in said
    tables = said[said.index("planted ") : said.index("faults caught that only it can see")]
    assert max(len(line) for line in tables.splitlines()) <= WIDTH
    assert re.search(r"missing field \(9 kinds\) +completeness +18 +18 ", tables)
    assert re.search(r"hour never traded +realism +- +- +- +-", tables)
    for name in CRITERIA:
        assert re.search(rf"\n{name} +\d+% \[\d+, \d+\] +\d+% \[", tables)


def test_judge_that_always_says_5_catches_nothing(cli: Cli, endpoint: Endpoint, mine: Path, tmp_path: Path) -> None:
    result = cli("judge", "calibrate", mine, "--rows", 4, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    verdict, metrics = read_metrics(tmp_path / "out")
    assert (verdict, metrics["catch"]["value"]) == ("noise", 0.0)
    assert "no better than chance" in result.output
    assert OFFLINE_SAYS not in result.output
    assert len(endpoint.prompts) == 3 * metrics["rows_judged"]
    assert all(endpoint.prompts.count(prompt) == 3 for prompt in endpoint.prompts[:20])


def test_judge_is_asked_as_in_a_run_and_a_folder_named(
    cli: Cli, endpoint: Endpoint, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("judge", "calibrate", mine, "--rows", 1, "--all").exit_code == 0
    (written,) = (tmp_path / "runs").rglob("*.json")
    assert re.fullmatch(rf"judge-mine-\d{{8}}T\d{{6}}Z/{FILE}", f"{written.parent.name}/{written.name}")
    assert len(endpoint.prompts) == 3 * read_metrics(written.parent)[1]["rows"]
    models = {body["model"] for body in endpoint.bodies}
    assert (models, {body["temperature"] for body in endpoint.bodies}) == ({"rehearsal-judge"}, {0.8})
    for prompt in endpoint.prompts:
        assert prompt.startswith("# Task: judge one synthetic trade")
        for heading in ("What this trade must be", "Trades of the trader near it", "Rules", "The synthetic trade"):
            assert f"\n## {heading}\n" in prompt
    trades = [prompt[prompt.index("## The synthetic trade") :].split("```")[1] for prompt in endpoint.prompts]
    assert sum('"exit_price"' not in trade for trade in trades) == 3  # left out, not null


def test_judge_that_always_says_1_refuses_all_gold(cli: Cli, endpoint: Endpoint, mine: Path, tmp_path: Path) -> None:
    endpoint.judge = judge_with(1)
    assert cli("judge", "calibrate", mine, "--rows", 4, "--out", tmp_path / "out").exit_code == 0
    verdict, metrics = read_metrics(tmp_path / "out")
    assert (verdict, metrics["false_reject"]["value"]) == ("noise", 1.0)


def test_judge_that_is_always_right_can_gate(cli: Cli, endpoint: Endpoint, mine: Path, tmp_path: Path) -> None:
    profile = load_profile(mine, {"seed": 11})
    gold = write_gold(read_checked_gold(profile), tmp_path / "gold", profile.gold.holdout)
    plan = plan_calibration(profile, compile_profile(profile, gold), gold, 4, 11)
    faulty = [str(row.seed[PLANTED]) for row in plan.rows if row.fault]
    sees = {trade: judge_with(2) for trade in faulty}
    endpoint.judge = lambda text: sees.get(read_trade(text), judge_with(5))(text)
    result = cli("judge", "calibrate", mine, "--rows", 4, "--seed", 11, "--out", tmp_path / "out")
    verdict, metrics = read_metrics(tmp_path / "out")
    assert (verdict, metrics["catch"]["value"], metrics["false_reject"]["value"]) == ("good", 1.0, 0.0)
    assert "verdict: good. The judge can gate" in result.output


def read_trade(text: str) -> str:
    """Read the trade to be judged from a prompt, in its fence."""
    place = text.find("```json", text.find("## The synthetic trade"))
    return text[place : text.find("```", place + 7) + 3]


def test_judge_that_answers_garbage_fails_with_what_it_said(
    cli: Cli, endpoint: Endpoint, mine: Path, tmp_path: Path
) -> None:
    endpoint.judge = lambda _: "I would rather not."
    result = cli("judge", "calibrate", mine, "--rows", 1, "--all", "--out", tmp_path / "deep/out")
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "error: the judge gave no usable answer to any of 120 requests; the first failed: " in result.stderr
    assert not (tmp_path / "deep").exists()


def test_answers_that_are_missing_are_counted(cli: Cli, endpoint: Endpoint, mine: Path, tmp_path: Path) -> None:
    endpoint.judge = lambda text: "no" if '"short"' in read_trade(text) else judge_with(4)(text)
    result = cli("judge", "calibrate", mine, "--rows", 1, "--all", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    metrics = read_metrics(tmp_path / "out")[1]
    assert metrics["tries_without_answer"] == 3 * metrics["rows_without_answer"] > 0
    assert f"no usable answer: {metrics['tries_without_answer']} of 120 requests" in result.output


def test_endpoint_that_is_not_there_is_named(
    cli: Cli, write_profile: WriteProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_retries = partial(RetryConfig, max_retries=0)  # the library's own take 14 seconds
    monkeypatch.setattr("data_designer.engine.models.clients.retry.RetryConfig", without_retries)
    provider = {"name": "gone", "endpoint": "http://127.0.0.1:9/v1", "provider_type": "openai", "api_key_env": None}
    profile = write_profile(tmp_path / "gone.yaml", {"provider": provider})
    result = cli("judge", "calibrate", profile, "--rows", 1, "--out", tmp_path / "out")
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "error: the provider gone at http://127.0.0.1:9/v1 does not answer as it should" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ofline",), "there is no profile ofline; did you mean offline?"),
        (("offline", "--gold-trades", "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("offline", "--gold", "nowhere"), "nowhere is no gold folder"),
        (("nim_dev",), "export NVIDIA_API_KEY=..."),
        (("microservices",), "a column that no service can run"),
        (("--run", "nowhere"), "nowhere holds no run"),
        (("offline", "--run", "nowhere"), "--run takes profile and gold from the run"),
        (("offline", "--out", "file/out"), "file/out cannot be made"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_asked(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    monkeypatch.setenv("NEMO_MICROSERVICES_BASE_URL", "http://127.0.0.1:9")
    (tmp_path / "file").touch()
    result = cli("judge", "calibrate", *arguments)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
    assert result.stderr.startswith("error: ")
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def cut_sample(path: Path, trades: int) -> Path:
    path.write_text("\n".join(SAMPLE.read_text().splitlines()[: trades + 1]) + "\n")
    return path


def test_gold_of_one_trade_is_refused(cli: Cli, tmp_path: Path) -> None:
    gold = cut_sample(tmp_path / "one.csv", 1)
    result = cli("judge", "calibrate", "offline", "--gold-trades", gold, "--out", tmp_path / "out")
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert "error: 1 gold trade to draw from" in result.stderr
    assert not (tmp_path / "out").exists()


def test_gold_of_five_trades_tells_nothing(cli: Cli, tmp_path: Path) -> None:
    gold = cut_sample(tmp_path / "five.csv", 5)
    result = cli("judge", "calibrate", "offline", "--gold-trades", gold, "--rows", 1, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "verdict: cannot tell. Too few rows" in result.output


def test_run_gets_its_own_judges_calibration(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(
        run_folder, tmp_path / "my_run", ignore=shutil.ignore_patterns("artifacts", "rounds", "hashes.jsonl")
    )
    profile = tmp_path / "my_run/profile.yaml"
    text = re.sub(r"(?s)provider:\n.*?\nmodels:", "provider: {name: offline}\nmodels:", profile.read_text())
    profile.write_text(text)  # the endpoint of that run is gone
    before = {path.name for path in (tmp_path / "my_run").iterdir()}
    result = cli("judge", "calibrate", "--run", tmp_path / "my_run", "--rows", 1)
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "my_run").iterdir()} - before == {FILE}
    document = json.loads((tmp_path / "my_run" / FILE).read_text())
    train = pl.read_parquet(tmp_path / "my_run/gold/train.parquet")["trade_id"]
    assert {row["gold_id"] for row in document["rows"]} <= set(train)
    assert document["answer"]["metrics"]["profile"] == "my_run"


def test_judge_is_asked_only_what_the_checks_let_pass(cli: Cli, endpoint: Endpoint, mine: Path, tmp_path: Path) -> None:
    result = cli("judge", "calibrate", mine, "--rows", 1, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    metrics = read_metrics(tmp_path / "out")[1]
    assert (metrics["rows_judged"], len(endpoint.prompts)) == (9 + 5, 3 * (9 + 5))
    seen = [fault for fault in metrics["faults"] if fault["seen_by_checks"]]
    assert {(fault["judged"], fault["caught_by_judge"], fault["missed"]) for fault in seen} == {(0, 0, 0)}
    assert all(fault["caught_by_checks"] == fault["rows"] for fault in seen)
    assert re.search(r"missing field \(9 kinds\) +completeness +9 +9 +- +0", result.output)


def test_estimate_sends_nothing_and_the_default_stays_below_400_requests(
    cli: Cli, endpoint: Endpoint, mine: Path, tmp_path: Path
) -> None:
    result = cli("judge", "calibrate", mine, "--estimate", "--out", tmp_path / "out")
    assert (result.exit_code, endpoint.prompts) == (0, [])
    assert int(re.findall(r"3 tries each: (\d+) requests", result.output)[0]) < 400
    assert re.search(r"low +\d+ requests, [\d,]+ tokens in, [\d,]+ out", result.output)
    assert not (tmp_path / "out").exists()
