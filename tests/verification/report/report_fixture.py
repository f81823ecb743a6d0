"""What `metrics.json` of a run of middling quality holds, for tests of the report: seeded, no run needed."""

from typing import Any

import numpy as np

from tests.verification.report.report_answers import make_answers
from verification.answers import UNDERFIT, to_json
from verification.trades.features import FEATURES
from verification.trades.overview import BINS

HOSTILE = "</script><script>alert(1)</script><b onmouseover=alert(2)>&lt;X"


def make_metrics(ticker: str = "ACME") -> dict[str, Any]:
    """Make metrics with every question answered and every plot's data; `ticker` stands wherever gold's text can."""
    rng = np.random.default_rng(7)
    metrics = {
        "schema_version": 1,
        "run": {
            "name": "offline-20261121T062801Z", "profile": "offline", "dataset": "trade_log", "nouns": "trades",
            "created": "2026-11-21T06:31:04+00:00",
            "synthetic": 9_842, "gold_train": 480, "gold_holdout": 113, "seed": 0, "controlled": [],
            "notes": ["3 accepted trades have values that are missing or not finite: `validity` counts them"],
        },
        "overall": {
            "verdict": UNDERFIT, "text": UNDERFIT,
            "reason": "A classifier tells synthetic trades from gold in 71 of 100 cases [66, 76].",
        },
        "answers": make_answers(rng, ticker),
        "plots": make_plots(rng),
    }  # fmt: skip
    made: dict[str, Any] = to_json(metrics)
    return made


def make_plots(rng: np.random.Generator) -> dict[str, Any]:
    """Make what belongs to no question."""
    return {
        "distributions": {feature: make_bins(rng, feature) for feature in FEATURES},
        "volatility_exits": {name: make_points(rng, count) for name, count in (("gold", 480), ("synthetic", 500))},
        "losses": [
            {"control": "ticker", "values": ["AAA", "BBB"], "candidates": [50, 40], "lost": [5, 4], "is_uneven": False}
        ],
        "funnel": [
            ["candidates", 10_400], ["generated", 10_310], ["passed the checks at once", 9_120],
            ["accepted at once", 7_030], ["accepted after refine 1", 9_210], ["accepted after refine 2", 9_842],
        ],
        "stages": [
            make_stage("generate", 10_400, 13_400_000, 830_000), make_stage("judge", 16_900, 16_200_000, 1_330_000),
            make_stage("refine", 6_200, 6_900_000, 470_000),
        ],
    }  # fmt: skip


def make_stage(stage: str, requests: int, prompt: int, completion: int) -> dict[str, Any]:
    """Make one stage's usage."""
    return {"stage": stage, "requests": requests, "prompt_tokens": prompt, "completion_tokens": completion,
            "seconds": requests * 0.83, "cost": None}  # fmt: skip


def make_bins(rng: np.random.Generator, feature: str) -> dict[str, Any]:
    """Bin gold, held-out and synthetic draws of one feature."""
    draws = {
        name: draw_feature(rng, feature, shift)
        for name, shift in (("gold", 0.0), ("held_out", 0.05), ("synthetic", 0.25))
    }
    low, high = np.quantile(draws["gold"], [0.005, 0.995])
    edges = np.linspace(low, high, BINS + 1)
    counts = {name: np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] for name, values in draws.items()}
    return {"bins": edges} | {name: count / count.sum() for name, count in counts.items()}


def draw_feature(rng: np.random.Generator, feature: str, shift: float) -> Any:
    """Draw 3,000 values of a feature."""
    if feature == "is_short":
        return (rng.random(3000) < 0.4 + shift / 3).astype(float)
    if feature == "entry_minute":
        return 570.0 + 390.0 * rng.beta(1.2, 2.0 + shift, 3000)
    if feature in ("entry_volatility_percent", "holding_minutes"):
        return np.exp(rng.normal(-0.9 + shift, 0.5, 3000)) * (1.0 if "percent" in feature else 40.0)
    sign = -1.0 if feature == "worst_exit_percent" else 1.0
    return sign * rng.gamma(2.0, 0.5, 3000) * (1.0 + shift) - (0.6 if feature == "trade_percent_change" else 0.0)


def make_points(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Make trades whose exits open with volatility."""
    volatility = np.exp(rng.normal(-0.9, 0.5, count))
    ends = {name: sign * volatility * rng.gamma(2.0, 0.9, count) for name, sign in (("best", 1), ("worst", -1))}
    return {"entry_volatility_percent": volatility} | {f"{name}_exit_percent": each for name, each in ends.items()}
