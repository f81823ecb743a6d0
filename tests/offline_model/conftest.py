"""Prompts as Data Designer sends them: the project's own templates, filled in, with the answer's schema at the end."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest
import yaml

from gold_data.trades.rules import GoldLimits, describe_rules
from offline_model.launch import launch
from offline_model.options import Options
from tests.offline_model.prompts import ask_for_json, make_judge_schema

ROOT = Path(__file__).parents[2]
TEMPLATES = {
    "generator": "trade.yaml",
    "judge": "judge.yaml",
    "refiner": "refine/refined_trade.yaml",
}
SESSION = date(2024, 3, 5)
LIMITS = GoldLimits({"NVDA": (90.0, 150.25), "TSLA": (200.0, 300.0)}, False, (0.3, 1.1))
EXAMPLES = (
    {
        "ticker": "NVDA",
        "trade_type": "buy",
        "entry_time": "10:12:05",
        "exit_time": "10:31:40",
        "entry_price": 121.35,
        "exit_price": 122.01,
        "entry_volatility_percent": 0.52,
        "worst_exit_percent": -0.41,
        "best_exit_percent": 0.93,
    },
    {
        "ticker": "TSLA",
        "trade_type": "short",
        "entry_time": "11:40:15",
        "exit_time": "12:02:00",
        "entry_price": 242.1,
        "exit_price": 243.37,
        "entry_volatility_percent": 0.55,
        "worst_exit_percent": -0.61,
        "best_exit_percent": 0.2,
    },
    {
        "ticker": "NVDA",
        "trade_type": "short",
        "entry_time": "15:12:05",
        "exit_time": "15:31:40",
        "entry_price": 120.15,
        "exit_price": 119.11,
        "entry_volatility_percent": 0.48,
        "worst_exit_percent": -0.23,
        "best_exit_percent": 1.23,
    },
)
CONTROLS = {
    "target_volatility": 0.5,
    "ticker": "NVDA",
    "trade_type": "buy",
    "session_period": "open",
}

WritePrompt = Callable[..., str]


def _fence(value: object) -> str:
    return f"```json\n{json.dumps(value)}\n```"


@cache
def _read_template(file: str) -> jinja2.Template:
    template: jinja2.Template = jinja2.Template(yaml.safe_load((ROOT / file).read_text())["prompt"])
    return template


def _say_controls(values: Mapping[str, object]) -> str:
    sentences = []
    for name, value in values.items():
        sentences.append("- " + _read_template(f"columns/controls/{name}.yaml").render({name: value}))
    return "\n".join([*sentences, "- The market is in this regime: close to breaking out."])


@cache
def _make_schema(role: str) -> dict[str, Any]:
    if role == "judge":
        return make_judge_schema(yaml.safe_load((ROOT / "columns/trade_log/judge.yaml").read_text())["scores"])
    schema: dict[str, Any] = json.loads((ROOT / "columns/trade_log/trade.schema.json").read_text())
    return schema


@pytest.fixture(scope="session")
def examples() -> list[dict[str, Any]]:
    """Give three trades of a trader: held for some twenty minutes, excursions up to 2.6 times the volatility."""
    return [dict(example) for example in EXAMPLES]


@pytest.fixture(scope="session")
def limits() -> GoldLimits:
    """Give what the gold behind the examples allows."""
    return LIMITS


@pytest.fixture(scope="session")
def session_date() -> date:
    """Give the session of every prompt that names no other: a full one."""
    return SESSION


@pytest.fixture(scope="session")
def write_prompt() -> WritePrompt:
    """Give a function that fills in a role's template."""

    def write(
        role: str,
        variation: object = "v",
        *,
        controls: Mapping[str, object] = CONTROLS,
        shown: Sequence[Mapping[str, object]] = EXAMPLES,
        allowed: GoldLimits = LIMITS,
        session_date: date = SESSION,
        trade: Mapping[str, object] | None = None,
        critique: str = "",
    ) -> str:
        ticker = controls.get("ticker")
        text = _read_template(f"columns/trade_log/{TEMPLATES[role]}").render(
            session_date=session_date,
            variation=variation,
            controls=_say_controls(controls),
            gold_examples=_fence(list(shown)),
            trade_rules=describe_rules(allowed, session_date, None if ticker is None else str(ticker)),
            trade_checks__trade=_fence(trade),
            prev_trade=_fence(trade),
            critique=critique,
        )
        return ask_for_json(text, _make_schema(role))

    return write


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """Give a client of a running offline model."""
    with launch(Options(seed=7)) as endpoint, httpx.Client(base_url=endpoint, trust_env=False) as client:
        yield client
