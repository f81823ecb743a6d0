"""Cards found by vectors that a provider gives: a job of the library against a scripted `/v1/embeddings`."""

import asyncio
import gc
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from data_designer.engine.models.utils import ChatMessage

from designer_configs.compile.native import add_seed, compile_profile
from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError
from gold_data.store import write_gold
from indicators.strategy.cards import CONDITION_NAMES, SERIES_NAMES, build_cards
from indicators.strategy.retrieval import MOST_CARDS, describe_series, find_nearest, split_clauses
from jobs.job import Job, JobResult
from jobs.library.answers import build_response
from jobs.library.backend import LibraryBackend
from jobs.library.embeddings import MOST_TEXTS
from jobs.request import Request
from jobs.requests.halt import Halt
from jobs.requests.journal import AnswerJournal
from refine_loop.estimate import _Meter
from refine_loop.record.events import EventLog, assume_tokens, read_events
from refine_loop.run import read_checked_gold
from refine_loop.steering import steer_run
from tests.conftest import ROOT
from tests.scripted_server import serve_replies

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # connections, left to the collector
TEXTS = ["Buy when the RSI crosses above 30. Sell below 70.", "Sell when the MACD signal line turns, stop 2%.", "Buy."]
EMBEDDER = {"model": "nomic-embed-text", "inference_parameters": {"max_parallel_requests": 2}}
JOB = "001_generate"


def hash_words(text: str) -> list[float]:
    """Make a vector of a text by hashing its words: whatever stands in for a model here knows spellings alone."""
    vector = [0.0] * 512
    for word in re.findall(r"[a-z]+", text.lower()):
        vector[zlib.crc32(word.encode()) % len(vector)] += 1.0
    return vector


@dataclass
class Endpoint:
    """Embeds what it is asked to, `short` vectors too few, or answers every request with `status`."""

    status: int = 200
    short: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def reply(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert path == "/v1/embeddings"
        self.asked.append(body)
        if self.status != 200:
            return self.status, {"error": {"message": "the embedder is on holiday"}}
        texts = body["input"][self.short :]
        data = [{"index": i, "embedding": hash_words(text)} for i, text in enumerate(texts)]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return self.status, {"object": "list", "data": data, "usage": usage}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    script = Endpoint()
    with serve_replies(script.reply) as script.url:
        yield script
    gc.collect()


def write_profile(folder: Path, **changes: Any) -> Path:
    """Write the profile `strategy_offline` with vectors, a provider of its own and other changes."""
    document = yaml.safe_load((ROOT / "designer_configs/strategy_offline.yaml").read_text(encoding="utf-8"))
    document["models"]["embedder"] = changes.pop("embedder", EMBEDDER)
    document["provider"] = {"name": "mine", "endpoint": "http://127.0.0.1:9/v1", "api_key_env": None}
    document["run"] |= {"tries": 1, "retry_seconds": 0.01}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(document | {"retrieval": "embeddings"} | changes), encoding="utf-8")
    return path


def find_cards_of(texts: list[str], profile: Profile, url: str, folder: Path) -> JobResult:
    """Run the columns that find cards, and no others, over descriptions; answers are kept in the folder's journal."""
    compiled = compile_profile(profile, write_gold(read_checked_gold(profile), folder / "gold", 0.0))
    rows = [
        {"row_id": f"row-{i}", "description": text, "text_checks": {"passed": i < 2}} for i, text in enumerate(texts)
    ]
    pl.DataFrame(rows).write_parquet(folder / "rows.parquet")
    needed = ("clauses", "clause_vectors", "card_vectors", "cards")
    columns = [column for column in compiled.generate["columns"] if column["name"] in needed]
    models = [model for model in compiled.generate["model_configs"] if model["alias"] == "embedder"]
    config = add_seed({"model_configs": models, "columns": columns}, folder / "rows.parquet")
    backend = LibraryBackend(profile, url, folder / "artifacts")
    with EventLog(folder / "events.jsonl", lambda _: None) as log, AnswerJournal(folder / "rounds") as journal:
        log.start_job(JOB, len(rows))
        with steer_run(profile, backend, Halt(), log, journal):
            return backend.run(Job(JOB, config, len(rows)))


def test_cards_are_found_by_vectors_which_are_counted_kept_and_asked_for_once(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    profile = load_profile(write_profile(tmp_path))
    result = find_cards_of(TEXTS, profile, endpoint.url, tmp_path)
    assert not result.lost
    shown = [row["cards"] for row in result.rows]
    assert build_cards()["RSI"] in shown[0]
    assert build_cards()["MACD_SIGNAL"] in shown[1]
    assert all(build_cards()[name] in text for name in CONDITION_NAMES for text in shown[:2])
    assert shown[2] is None  # its text has failed: nothing is paid for
    assert not {"clause_vectors", "card_vectors"} & result.rows[0].keys()
    series = list(describe_series().values())
    asked = sorted((body["input"] for body in endpoint.asked), key=len)
    assert asked[2:] == [series[MOST_TEXTS:], series[:MOST_TEXTS]]
    assert {body["model"] for body in endpoint.asked} == {"nomic-embed-text"}
    events = [event for event in read_events(tmp_path / "events.jsonl") if event["event"] == "request"]
    assert [event["role"] for event in events] == ["embedder"] * len(asked) == ["embedder"] * 4
    assert sum(event["prompt_tokens"] for event in events) == sum(map(len, asked))
    again = find_cards_of(TEXTS, profile, endpoint.url, tmp_path)
    assert [row["cards"] for row in again.rows] == shown
    assert len(endpoint.asked) == len(asked)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 500}, "the embedder is on holiday"),
        ({"short": 1}, "HTTP 200 without a vector for each of"),
    ],
)
def test_vectors_that_do_not_come_fail_like_any_answer(
    endpoint: Endpoint, tmp_path: Path, fault: dict[str, int], words: str
) -> None:
    vars(endpoint).update(fault)
    result = find_cards_of(TEXTS[:1], load_profile(write_profile(tmp_path)), endpoint.url, tmp_path)
    assert words in result.lost[0].message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"retrieval": "bm25"}, "models.embedder: no column of strategy asks it"),
        ({"embedder": EMBEDDER | {"fallback": {"model": "b"}}}, "vectors of two models"),
        ({"embedder": EMBEDDER | {"inference_parameters": {"temperature": 0}}}, "a vector has none: drop it"),
        ({"provider": {"name": "offline"}}, "what a run serves itself gives no vectors, for which embedder is asked"),
        ({"backend": {"microservices": {"base_url_env": "A"}}}, "a service gives no vectors"),
    ],
)
def test_what_cannot_be_embedded_is_said_at_once(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        load_profile(write_profile(tmp_path, **changes))


def test_a_role_that_vectors_need_is_missed() -> None:
    with pytest.raises(ConfigError, match="the key embedder is missing"):
        load_profile("strategy_offline", {"sets": ("retrieval=embeddings",)})


def test_tokens_of_a_provider_that_counts_none_are_those_of_the_texts() -> None:
    texts = (ChatMessage.as_user("x" * 400), ChatMessage.as_user("x" * 400))
    response = build_response(
        {"content": "[0.1]" * 1_000, "reasoning": None, "finish_reason": "stop", "usage": [None, 0, None]}
    )
    assert assume_tokens(Request(JOB, "a", "clause_vectors", "embedder", "m", 0, texts), response) == (200, 0)


def test_an_estimate_has_a_vector_for_every_text_and_no_tokens_of_answers(tmp_path: Path) -> None:
    meter = _Meter(load_profile(write_profile(tmp_path)).dataset)
    request = Request(JOB, "a", "clause_vectors", "embedder", "m", 0, (ChatMessage.as_user("ab"),) * 3)
    response = asyncio.run(meter(request, lambda: pytest.fail("an estimate sends nothing")))
    assert len(json.loads(response.message.content)) == 3
    measured = meter.measure()
    assert (measured.prompts["generate", "embedder"], measured.answers["generate", "embedder"]) == (6, 0)


def test_series_that_are_named_are_nearest() -> None:
    text = "Buy when the average true range exceeds 2 and the Aroon up is above 50. Sell when the volume goes down."
    series = [hash_words(said) for said in describe_series().values()]
    found = find_nearest([hash_words(clause) for clause in split_clauses(text)], series)
    assert {"ATR", "AROON_UP", "VOLUME"} <= set(found)
    assert len(found) <= MOST_CARDS
    assert len(find_nearest([hash_words(names[0]) for names in SERIES_NAMES.values()], series)) == MOST_CARDS


@pytest.mark.parametrize("text", ["", "%%%", "1, 2, 3", "x" * 100_000, "привет \x00"])
def test_any_text_has_a_clause_to_embed(text: str) -> None:
    assert split_clauses(text)
    assert find_nearest([[0.0]], [[0.0]] * len(describe_series()))
