"""Under a disguise no request names what the gold names, and the rows are those of a run without one."""

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result

from columns.declared import Disguisable
from columns.disguise import MAPPING, Disguise
from columns.rendering import fence_json
from designer_configs.compile.controls import Control
from designer_configs.compile.native import CompiledProfile, add_seed
from designer_configs.compile.profile import load_profile
from designer_configs.errors import ConfigError
from gold_data.store import write_gold
from gold_data.trades.checks import show_value
from gold_data.trades.ingest import read_gold
from gold_data.trades.limits import GoldLimits
from gold_data.trades.rules import check_trade
from jobs.disguise import DisguisedBackend
from jobs.job import Job, JobResult
from offline_model.answer import answer_messages
from offline_model.options import Options
from offline_model.server import _write_completion

SAMPLE = Path(__file__).parents[2] / "gold_data/sample/trades.csv"

Cli = Callable[..., Result]
WriteProfile = Callable[[Path, Mapping[str, Any]], Path]
Answer = Callable[[dict[str, Any]], dict[str, Any]]

CONTROLS = {"day": "session_date", "ticker": "ticker"}
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")


class Provider:
    """A provider on the loopback that keeps what it is asked; `answer` writes the answer to a request's body."""

    def __init__(self, answer: Answer) -> None:
        self.bodies: list[str] = []
        self._answer = answer

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serve while the context is open; gives the endpoint."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.bodies.append(body)
                told = json.dumps(provider._answer(json.loads(body))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/v1"
            finally:
                server.shutdown()
                thread.join()


def answer_offline(body: dict[str, Any]) -> dict[str, Any]:
    """Answer as the offline model does to one who has not told it of a disguise."""
    return _write_completion(body, answer_messages(body["messages"], Options(seed=7)).text)


def read_disguise(folder: Path) -> Disguise:
    kept = json.loads((folder / "disguised" / MAPPING).read_text())
    fields = kept.pop("fields")
    return Disguise(Disguisable(fields["ticker"], tuple(fields["prices"]), tuple(fields["dates"])), **kept)


def find_real(run: Path, text: str) -> set[str]:
    """Find tickers, dates and prices of a run's gold in a text; not a price like 12.9, which may be anything."""
    gold = pl.concat([pl.read_parquet(run / "gold" / name) for name in ("train.parquet", "holdout.parquet")])
    ranges = json.loads((run / "gold/facts.json").read_text())["price_ranges"].values()
    prices = {price for name in ("entry_price", "exit_price") for price in gold[name] if price > 10}
    real = {show_value(price) for price in (*prices, *(end for ends in ranges for end in ends))}
    real = {price for price in real if len(price.partition(".")[2]) >= 2}
    named = set(re.findall("|".join(map(re.escape, gold["ticker"].unique())), text))
    dates = set(DATE.findall(text)) & {str(day) for day in gold["session_date"]}
    return named | dates | (real & set(re.findall(r"\d+\.\d+", text)))


def write_disguised(write_profile: WriteProfile, path: Path, endpoint: str, form: str) -> Path:
    provider = {"name": "rehearsal", "endpoint": endpoint, "provider_type": "openai"}
    profile = write_profile(path, {"provider": provider, "gold.disguise": True})
    if form != "prompt":
        profile.write_text(profile.read_text().replace("structured_output: prompt", f"structured_output: {form}"))
    return profile


@pytest.fixture(scope="module")
def asked(
    cli: Cli, write_profile: WriteProfile, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str], list[str]]:
    """Use a disguised profile in every way; gives the run's folder, every request's body, and what was printed."""
    place, provider = tmp_path_factory.mktemp("disguise"), Provider(answer_offline)
    run = place / "run"
    with provider.serve() as endpoint:
        profile = write_disguised(write_profile, place / "hosted.yaml", endpoint, "json_schema")
        done = [
            cli("generate", profile, "--num", 12, "--seed", 7, "--set", "trace=full", "--out", run),
            cli("resume", run, "--num", 14),
            cli("rejudge", run, "--set", "models.judge.model=other", "--out", place / "rejudged"),
            cli("preview", profile, "--num", 2),
            cli("judge", "calibrate", profile, "--rows", 1, "--out", place / "calibrated"),
        ]
    assert [one.exit_code for one in done] == [0] * len(done), [one.output for one in done]
    return run, provider.bodies, [one.output for one in done]


def test_no_request_names_a_ticker_a_price_or_a_date_of_the_gold(asked: tuple[Path, list[str], list[str]]) -> None:
    run, bodies, _ = asked
    text = "\n".join(bodies)
    disguise = read_disguise(run)
    counts = {
        said: text.count(said)
        for said in ("# Task: write", "# Task: judge", "# Task: mend", '"assistant"', "json_schema")
    }
    assert min(counts.values()) >= 1, counts
    assert min(counts["# Task: write"], counts["# Task: judge"], counts["json_schema"]) >= 14
    assert set(disguise.codes.values()) <= set(re.findall(r"TKR\d\d", text))
    assert DATE.search(text)
    assert find_real(run, text) == set()


def test_the_mapping_stays_in_the_folder(asked: tuple[Path, list[str], list[str]]) -> None:
    run, bodies, printed = asked
    disguise = read_disguise(run)
    factors = [f"{number / 100:g}" for number in disguise.hundredths.values()]
    outside = [*bodies, *printed, *(path.read_text() for path in run.glob("*.jsonl"))]
    outside += [
        (run / name).read_text() for name in ("provenance.json", "usage.json", "profile.yaml", "data_designer.log")
    ]
    assert not any(f'"{word}"' in text for text in outside for word in (*factors, "hundredths"))
    assert not (run / "data_designer.yaml").exists()  # Data Designer's own commands would send the gold as it is
    codes = re.compile("|".join(disguise.codes.values()))
    assert not codes.search((run / "accepted.csv").read_text())


def test_rows_that_come_back_obey_the_rules_of_the_gold(asked: tuple[Path, list[str], list[str]]) -> None:
    run, *_ = asked
    limits = GoldLimits.from_facts(json.loads((run / "gold/facts.json").read_text()))
    ledger = pl.read_parquet(run / "ledger.parquet").filter(status="accepted")
    plans = pl.concat([pl.read_parquet(path) for path in run.glob("rounds/*/plan.parquet")], how="diagonal_relaxed")
    days = dict(plans.select("row_id", pl.col("session_date").cast(pl.String).str.to_date()).iter_rows())
    rows = {name: json.loads(row) for name, row in ledger.select("row_id", "generated_row").iter_rows()}
    assert len(rows) == 14
    for name, row in rows.items():
        assert check_trade(row, session_date=days[name], limits=limits) == []
        assert [round(row[key], 2) for key in ("entry_price", "exit_price")] == [row["entry_price"], row["exit_price"]]


def test_the_rows_are_those_of_a_run_without_a_disguise(
    cli: Cli, run_folder: Path, write_profile: WriteProfile, tmp_path: Path
) -> None:
    run, profile = tmp_path / "run", write_profile(tmp_path / "mine.yaml", {"gold.disguise": True, "trace": "full"})
    said = cli("generate", profile, "--num", 60, "--seed", 7, "--out", run)
    assert said.exit_code == 0, said.output
    for table in ("accepted", "bars"):
        assert pl.read_parquet(run / f"{table}.parquet").equals(pl.read_parquet(run_folder / f"{table}.parquet"))
    of_words = ("reason", "critiques", "requests", "prompt_tokens", "completion_tokens")
    ours, theirs = (pl.read_parquet(folder / "ledger.parquet").drop(of_words) for folder in (run, run_folder))
    assert ours.equals(theirs)
    traced = [gzip.decompress(path.read_bytes()).decode() for path in (run / "trace").iterdir()]
    asked = [json.dumps(json.loads(line)["messages"]) for text in traced for line in text.splitlines()]
    assert len(asked) > 100
    assert find_real(run, "\n".join(asked)) == set()


def test_a_dataset_that_declares_no_disguise_is_refused(cli: Cli, tmp_path: Path) -> None:
    said = cli("generate", "vpa_offline", "--set", "gold.disguise=true", "--out", tmp_path / "run")
    assert said.exit_code == 2
    assert "vpa cannot be disguised: its dataset.yaml declares no disguise" in said.output
    assert not (tmp_path / "run").exists()


def test_a_control_that_asks_for_a_price_is_refused(write_profile: WriteProfile, tmp_path: Path) -> None:
    (tmp_path / "columns/controls").mkdir(parents=True)
    (tmp_path / "columns/controls/level.yaml").write_text(
        "description: Price of the entry.\n"
        "column: {name: level, column_type: sampler, sampler_type: category, params: {values: [10.0, 20.0]}}\n"
        'prompt: "Entered at about {{ level }}."\n'
        "match: {field: entry_price, tolerance: 5.0}\n"
        "check: null\n"
    )
    profile = write_profile(tmp_path / "mine.yaml", {"controls": ["level", "ticker"], "gold.disguise": True})
    with pytest.raises(ConfigError, match="the control level asks for entry_price, a price"):
        load_profile(profile)


def test_a_control_on_a_date_is_disguised_whatever_its_name(write_profile: WriteProfile, tmp_path: Path) -> None:
    profile = load_profile(write_profile(tmp_path / "mine.yaml", {"gold.disguise": True}))
    gold = write_gold(read_gold(SAMPLE, None), tmp_path / "run/gold", 0.2)
    row = {
        "row_id": "a",
        "day": "2024-10-22",
        "session_date": "2024-10-22",
        "ticker": "SIM1",
        "controls": "On 2024-10-22.",
    }
    pl.DataFrame([row | {"gold_examples": fence_json([{"ticker": "SIM4", "entry_price": 13.31}])}]).write_parquet(
        tmp_path / "seeds.parquet"
    )
    inner = Recorder()
    backend = DisguisedBackend(inner, profile, gold)
    controls = [Control({"name": name}, "", {"field": field}, None) for name, field in CONTROLS.items()]
    texts = [{"name": "controls", "column_type": "expression"}]
    vars(backend)["_compiled"] = CompiledProfile({}, {"columns": texts}, {}, None, controls)
    config = add_seed({"model_configs": [{}], "columns": []}, tmp_path / "seeds.parquet")
    backend.run(Job("001_generate", config, 1))
    (hidden,) = pl.read_parquet(inner.jobs[0].config["seed_config"]["source"]["path"]).to_dicts()
    disguise = read_disguise(tmp_path / "run")
    assert hidden["day"] == hidden["session_date"] == disguise.shift("2024-10-22", disguise.weeks)
    assert hidden["ticker"] == disguise.codes["SIM1"]
    assert not re.search("SIM|13.31|2024", str(hidden))
    assert [column["name"] for column in inner.jobs[0].config["columns"]] == ["controls"]  # which is written anew


class Recorder:
    """A backend that keeps its jobs, and gives no row back."""

    place = "nowhere"

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def check_models(self, config: dict[str, Any]) -> None:
        """Find every model well."""

    def run(self, job: Job) -> JobResult:
        """Keep the job."""
        self.jobs.append(job)
        return JobResult([])
