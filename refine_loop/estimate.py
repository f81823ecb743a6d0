"""What a run would take, before anything is sent: requests, tokens, time and money, a low and a high figure.

A few rows are planned and their jobs run without a provider: every request is answered here, by the example of its
schema and by the lowest scores, so that each kind of prompt is rendered and measured as it would be sent. The rest is
assumed, and said.
"""

import functools
import json
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from langgraph.runtime import Runtime

from columns.declared import Column, Declared, load_output_format
from columns.rendering import fence_json
from designer_configs.compile.checks.template import find_columns
from designer_configs.compile.native import CompiledProfile, compile_profile
from designer_configs.compile.profile import BackendChoice, Model, Profile, count_parallel
from gold_data.store import write_gold
from jobs.library.answers import build_response
from jobs.library.backend import LibraryBackend
from jobs.library.log import log_library_to
from jobs.library.prompts import state_schema_first
from jobs.library.shim import keep_json_text, steer_requests
from jobs.library.speed import quicken_library
from jobs.request import Request, Send
from refine_loop.context import RunContext
from refine_loop.nodes import generate, plan, refine
from refine_loop.pace import AskPace, Pace, Paces, ask_pace
from refine_loop.record.events import EventLog, measure_messages
from refine_loop.run import pick_models, read_checked_gold
from refine_loop.state import START_STATE

OFFLINE_SECONDS = 0.01  # that the built-in offline model takes for one request at the least
SAMPLE = 8  # rows whose prompts are rendered
NOWHERE = "http://127.0.0.1:9/v1"  # never called: every request is answered here
REASONING = "The first field agrees with the examples; the second one is higher than any of them."  # of a usual length
LONG_TEXT = "A sentence of a usual length, which says what there is to say. " * 12  # where a text is asked for
SHORT_QUESTION = len(
    "You are a helpful assistant.Hello!"
)  # characters the library asks each role's model before the first job
LONG_ANSWER = 4  # times a usual one, where the profile has no max_tokens


@dataclass(frozen=True)
class Assumptions:
    """What cannot be known before.

    `drafts` and `mended` are the shares of first drafts and of refined rows that are accepted, `corrected` that of
    answers which do not parse and are asked for again; `seconds` is what one request takes, where its model's pace was
    not measured; `reads` is how many times quicker than it writes a model reads whose pace of reading was not.
    """

    drafts: float
    mended: float
    corrected: float
    characters_per_token: float
    seconds: float
    reads: float


LOW = Assumptions(drafts=1.0, mended=0.7, corrected=0.0, characters_per_token=4.0, seconds=1.0, reads=50.0)
HIGH = Assumptions(drafts=0.4, mended=0.4, corrected=0.05, characters_per_token=2.5, seconds=20.0, reads=3.0)


@dataclass(frozen=True)
class Measured:
    """By stage and role: mean characters of prompts and of usual answers, requests a row; models' pace, if known."""

    prompts: Mapping[tuple[str, str], float]
    answers: Mapping[tuple[str, str], float]
    requests: Mapping[tuple[str, str], float]
    paces: Paces = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """One side of an estimate; `cost` None where a model has no price."""

    candidates: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cost: float | None


@dataclass(frozen=True)
class Estimate:
    """What a run would take at the least and at the most, as far as can be told."""

    profile: Profile
    measured: Measured
    low: Figures
    high: Figures
    in_flight: tuple[int, int]  # requests and tokens by which a cap may be overshot, at the most


def estimate_run(profile: Profile, endpoint: str | None = None) -> Estimate:
    """Estimate what a profile's run would take; nothing is kept, and nothing sent but a question on this machine.

    Raises:
        RunInputError, ConfigError, GoldError: something given cannot be used.
    """
    measured = measure_requests(profile, functools.partial(ask_pace, endpoint=endpoint))
    low, high = (_add_up(profile, measured, assumed) for assumed in (LOW, HIGH))
    return Estimate(profile, measured, low, high, _count_in_flight(profile, measured))


def measure_requests(profile: Profile, ask: AskPace = lambda *_: {}) -> Measured:
    """Render and measure the prompts of a few rows, of each job and role; `ask` measures the pace of models."""
    here = BackendChoice("library")  # a service would be asked for the same
    keyless = replace(profile, provider=replace(profile.provider, api_key_env=None), backend=here)
    gold = read_checked_gold(keyless)
    with tempfile.TemporaryDirectory(prefix="tradelogs-estimate-") as temporary:
        folder = Path(temporary)
        stored = write_gold(gold, folder / "gold", profile.gold.holdout, profile.gold.embargo)
        compiled = _judge_everything(compile_profile(keyless, stored))
        meter = _Meter(profile.dataset)
        with (
            log_library_to(folder / "data_designer.log", verbose=False),
            EventLog(folder / "events.jsonl", lambda _: None) as log,
            quicken_library(),
        ):
            backend = LibraryBackend(keyless, NOWHERE, folder / "artifacts")
            short = replace(keyless, run=replace(profile.run, accepted=SAMPLE, max_candidates=SAMPLE, max_tokens=None))
            runtime = Runtime(context=RunContext(short, compiled, backend, folder, log))
            with steer_requests([meter], log.get_job), keep_json_text(), state_schema_first():
                state = generate(plan(START_STATE, runtime), runtime)
                if runtime.context.refine_passes and state["open"]:
                    refine(state, runtime)
            paces = ask(keyless, pick_models(compiled), folder)
    return replace(meter.measure(), paces=paces)


class _Meter:
    """A step that answers every request itself, and measures it."""

    def __init__(self, dataset: Declared) -> None:
        columns = [*dataset.list_stage("generate"), *dataset.list_stage("refine")]
        asked = [column for column in columns if "model_alias" in column]
        self._embedders = dataset.embedders
        self._usual = {column["name"]: write_usual_answer(dataset, column) for column in asked}
        self._prompts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._answers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._asked: defaultdict[str, Counter[str]] = defaultdict(Counter)

    async def __call__(self, request: Request, send: Send) -> Any:  # noqa: ARG002 - a step's signature
        stage = request.job.partition("_")[2].partition("_")[0]
        text = self._usual[request.column]
        if request.role in self._embedders:
            text = json.dumps([[1.0]] * len(request.messages))
        self._asked[stage][request.column] += 1
        self._prompts[stage, request.role].append(measure_messages(request))
        self._answers[stage, request.role].append(0 if request.role in self._embedders else len(text))
        return build_response({"content": text, "reasoning": None, "finish_reason": "stop", "usage": None})

    def measure(self) -> Measured:
        prompts, answers = (
            {key: fmean(lengths) for key, lengths in kept.items()} for kept in (self._prompts, self._answers)
        )
        # The column that is asked for most is asked for every row.
        rows = {stage: max(asked.values()) for stage, asked in self._asked.items()}
        return Measured(prompts, answers, {key: len(kept) / rows[key[0]] for key, kept in self._prompts.items()})


def write_usual_answer(dataset: Declared, column: Column) -> str:
    """Write an answer of a usual length to a column: the lowest scores, its schema's first example, or a long text."""
    if "scores" in column:
        return fence_json({score["name"]: {"reasoning": REASONING, "score": 1} for score in column["scores"]})
    schema = load_output_format(dataset.folder, column)
    return LONG_TEXT if schema is None else fence_json(make_example(schema))


def make_example(schema: Mapping[str, Any]) -> Any:
    """Give the first example of a schema, or make a value that has its shape."""
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            parts = {name: make_example(part) for name, part in schema.get("properties", {}).items()}
            return {"text": "a usual text"} if not parts and schema.get("minProperties") else parts
        case "array":
            return [make_example(schema.get("items", {}))] * max(1, schema.get("minItems", 1))
        case "number" | "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return schema.get("const", "a usual text")


def _judge_everything(compiled: CompiledProfile) -> CompiledProfile:
    """Have rows judged that fail the checks, too: a usual answer seldom obeys a row's controls.

    What a row of the plan rules out stays ruled out.
    """

    def clear(config: dict[str, Any]) -> dict[str, Any]:
        made = {column["name"] for column in config["columns"]}
        columns = [
            {key: value for key, value in column.items() if key != "skip" or not made & find_columns(value["when"])}
            for column in config["columns"]
        ]
        return config | {"columns": columns}

    refine_all = None if compiled.refine is None else clear(compiled.refine)
    return replace(compiled, generate=clear(compiled.generate), refine=refine_all)


class _Load:
    """Requests, and tokens of their prompts and answers, by model."""

    def __init__(self) -> None:
        self.requests: defaultdict[str, float] = defaultdict(float)
        self.prompts: defaultdict[str, float] = defaultdict(float)
        self.answers: defaultdict[str, float] = defaultdict(float)

    def add(self, model: str, count: float, prompt: float, answer: float) -> None:
        """Add requests of a prompt's and an answer's tokens each."""
        self.requests[model] += count
        self.prompts[model] += count * prompt
        self.answers[model] += count * answer


def _add_up(profile: Profile, measured: Measured, assumed: Assumptions) -> Figures:
    run = profile.run
    still_open, accepted, refined = 1 - assumed.drafts, assumed.drafts, 0.0
    for _ in range(run.refine_passes if profile.dataset.list_stage("refine") else 0):
        refined += still_open
        accepted += still_open * assumed.mended
        still_open *= 1 - assumed.mended
    candidates = min(math.ceil(run.accepted / accepted), run.max_candidates)
    passes = {"generate": 1.0, "refine": refined}
    load = _Load()
    for (stage, role), length in measured.prompts.items():
        model = profile.models[role]
        count = candidates * passes[stage] * measured.requests[stage, role] * (1 + assumed.corrected)
        answer = _size_answer(model, measured.answers[stage, role], assumed)
        load.add(model.model, count, length / assumed.characters_per_token, answer)
    jobs_seconds = _time_requests(profile, load, measured.paces, assumed)
    for model in profile.models.values():
        load.add(model.model, 1, SHORT_QUESTION / assumed.characters_per_token, _size_answer(model, 0.0, assumed))
    costs = [profile.prices.price(model, load.prompts[model], load.answers[model]) for model in load.requests]
    return Figures(
        candidates,
        round(sum(load.requests.values())),
        round(sum(load.prompts.values())),
        round(sum(load.answers.values())),
        jobs_seconds
        + len(profile.models) * _time_request(profile, assumed),  # the short questions come one after the other
        None if None in costs else sum(cost or 0.0 for cost in costs),
    )


def _size_answer(model: Model, length: float, assumed: Assumptions) -> float:
    """Size an answer in tokens: a usual one, or at the high end all that the model may say."""
    usual = length / assumed.characters_per_token
    if assumed is LOW:
        return usual
    return float(model.inference_parameters.get("max_tokens", usual * LONG_ANSWER))


def _time_requests(profile: Profile, load: _Load, paces: Paces, assumed: Assumptions) -> float:
    """Time the requests: models work side by side at the low end, one after the other at the high one.

    Those of a model of known pace take as long as their tokens; that it writes several as quickly as one is low.
    """
    parallel = count_parallel((model.model, model.inference_parameters) for model in profile.models.values())
    each = _time_request(profile, assumed)
    seconds = {model: math.ceil(count / parallel[model]) * each for model, count in load.requests.items()}
    for model in seconds.keys() & paces.keys():
        pace = paces[model]
        alone = load.answers[model] / pace.writes + load.prompts[model] / (pace.reads or pace.writes * assumed.reads)
        seconds[model] = alone / parallel[model] if assumed is LOW else alone
    return max(seconds.values()) if assumed is LOW else sum(seconds.values())


def _time_request(profile: Profile, assumed: Assumptions) -> float:
    """Give the seconds that one request takes: at the low end of a rehearsal next to none."""
    return OFFLINE_SECONDS if assumed is LOW and profile.provider.name == "offline" else assumed.seconds


def _count_in_flight(profile: Profile, measured: Measured) -> tuple[int, int]:
    """Count the requests that may be under way when a cap is reached, and the tokens that they may come to."""
    parallel = count_parallel((model.model, model.inference_parameters) for model in profile.models.values())
    longest: defaultdict[str, float] = defaultdict(float)
    for (stage, role), length in measured.prompts.items():
        model = profile.models[role]
        tokens = length / HIGH.characters_per_token + _size_answer(model, measured.answers[stage, role], HIGH)
        longest[model.model] = max(longest[model.model], tokens)
    return sum(parallel[model] for model in longest), round(sum(parallel[name] * longest[name] for name in longest))


def describe_estimate(estimate: Estimate) -> list[str]:
    """Say an estimate to a person: the figures, what was assumed, and the caps that the high figures are beyond."""
    low, high, run = estimate.low, estimate.high, estimate.profile.run
    rows = [
        ("candidates", f"{low.candidates:,}", f"{high.candidates:,}"),
        ("requests", f"{low.requests:,}", f"{high.requests:,}"),
        ("prompt tokens", f"{low.prompt_tokens:,}", f"{high.prompt_tokens:,}"),
        ("answer tokens", f"{low.completion_tokens:,}", f"{high.completion_tokens:,}"),
        ("minutes", f"{low.seconds / 60:,.1f}", f"{high.seconds / 60:,.1f}"),
        ("money", *(_say_money(figures.cost, estimate.profile) for figures in (low, high))),
    ]
    asked = f"{run.accepted:,} accepted {estimate.profile.dataset.nouns}"
    paces = estimate.measured.paces
    sent = "nothing was sent but short questions on this machine" if paces else "nothing was sent"
    lines = [f"{asked}: estimate, {sent}", f"{'':<14}{'low':>16}{'high':>18}"]
    lines += [f"{name:<14}{least:>16}{most:>18}" for name, least, most in rows]
    lengths = ", ".join(
        f"{stage} {role} {length:,.0f}" for (stage, role), length in sorted(estimate.measured.prompts.items())
    )
    lines += [
        f"Measured on {SAMPLE} rows, characters a prompt: {lengths}.",
        "Both ends have the short question to every role's model before the first job.",
        f"Low: {_say_assumptions(LOW, _time_request(estimate.profile, LOW))}; answers of a usual length; "
        "models side by side.",
        f"High: {_say_assumptions(HIGH, HIGH.seconds)}; every answer max_tokens long; models one after the other.",
    ]
    lines += [
        f"Measured: {model} writes {pace.writes:,.1f} tokens a second and reads {_say_reading(pace)}; "
        "minutes are by these."
        for model, pace in sorted(paces.items())
    ]
    return lines + _name_caps(estimate)


def _say_money(cost: float | None, profile: Profile) -> str:
    return "no prices" if cost is None else f"{cost:,.2f} {profile.prices.currency}"


def _say_reading(pace: Pace) -> str:
    if pace.reads is None:
        return f"{LOW.reads:g} (low) or {HIGH.reads:g} (high) times as many, which is assumed"
    return f"{pace.reads:,.1f}, the same ones anew for every row"


def _say_assumptions(assumed: Assumptions, seconds: float) -> str:
    return (
        f"{assumed.drafts:.0%} of first drafts and {assumed.mended:.0%} of refined rows accepted, "
        f"{assumed.characters_per_token:g} characters a token, {seconds:g} s a request"
    )


def _name_caps(estimate: Estimate) -> list[str]:
    """Name the caps of the profile that the high figures reach."""
    run, high = estimate.profile.run, estimate.high
    reached = [
        ("max_candidates", run.max_candidates, high.candidates),
        ("max_minutes", run.max_minutes, high.seconds / 60),
        ("max_tokens", run.max_tokens, high.prompt_tokens + high.completion_tokens),
        ("max_cost", run.max_cost, high.cost),
    ]
    caps = [
        f"run.{name}: {cap:,}" for name, cap, most in reached if None not in (cap, most) and (most or 0) >= (cap or 0)
    ]
    lines = [f"The high figures reach a cap that would end the run: {', '.join(caps)}."] if caps else []
    if run.max_tokens is not None or run.max_cost is not None:
        requests, tokens = estimate.in_flight
        lines.append(
            f"What is under way when a cap is reached is awaited: {requests} requests, {tokens:,} tokens at the most. "
            "A smaller max_parallel_requests makes it less."
        )
    return lines
