"""What every question's answer holds, for tests of the report."""

from typing import Any

import numpy as np

from verification.answers import CANNOT_TELL, COPIES, GOOD, NOISE, UNDERFIT
from verification.trades.features import EXITS, FEATURES


def make_score(name: str, position: float, noise_is: str = "shuffled marginals") -> dict[str, Any]:
    """Make a score at a position, with a floor of 0.1 and noise at 0.9."""
    return {
        "name": name,
        "value": make_interval(0.9 - 0.8 * position, 0.05),
        "floor": make_interval(0.1, 0.06),
        "noise": make_interval(0.9, 0.03),
        "position": make_interval(position, 0.0625),
        "noise_is": noise_is,
    }


def make_interval(value: float, reach: float) -> dict[str, float]:
    """Make an interval that reaches as far to either side."""
    return {"value": value, "low": value - reach, "high": value + reach}


def make_answer(question: str, title: str, verdict: str, reason: str, **metrics: Any) -> dict[str, Any]:
    """Make an answer with three numbers."""
    numbers = [["distance to held-out gold", "0.213 [0.18, 0.247]"], ["gold against gold", "0.104 [0.08, 0.131]"],
               ["rows used", "9,842"]]  # fmt: skip
    return {
        "question": question,
        "title": title,
        "verdict": verdict,
        "reason": reason,
        "numbers": numbers,
        "metrics": metrics,
    }


def make_result_curves() -> dict[str, Any]:
    """Make what a trader looks at: results, what they add up to, the worst fall."""
    line = [0.1, 0.4, 0.5]
    band = {"gold": line, "synthetic": line, "gold_low": [0.0, 0.3, 0.45], "gold_high": [0.2, 0.5, 0.6]}
    return {
        "results": {"bins": [-1.0, 0.0, 1.0, 2.0], **band, "outside": 0, "outside_by_chance": 1.0},
        "cumulative": {"trade": [1, 2, 3], **band},
        "drawdown": {"gold": make_interval(4.0, 1.0), "synthetic": make_interval(5.0, 2.0)},
    }


def make_answers(rng: np.random.Generator, ticker: str) -> list[dict[str, Any]]:
    """Make one answer per question, in the order in which they are asked."""
    return [*make_law_answers(), *make_later_answers(rng, ticker)]


def make_law_answers() -> list[dict[str, Any]]:
    """Make the answers that hold trades against the rules, and all of them against the gold's law."""
    return [
        make_answer(
            "validity",
            "Is every trade possible?",
            GOOD,
            "All 9,842 trades keep every rule that gold keeps.",
            rules=[
                {
                    "rule": "exit_sign",
                    "says": "worst <= exit percent <= best, within 0.01.",
                    "broken": 0,
                    "first_ids": [],
                },
                {
                    "rule": "finite",
                    "says": "Every number is there and finite.",
                    "broken": 3,
                    "first_ids": ["a1", "b2", "c3"],
                },
            ],
        ),
        make_answer(
            "numbers",
            "Do a trader's numbers come out as the gold's?",
            GOOD,
            "No number of results, paths or holding is surely off.",
            curves=make_result_curves(),
        ),
        make_answer(
            "fidelity",
            "Do they follow the gold's law?",
            UNDERFIT,
            "A classifier tells synthetic trades from gold in 71 of 100 cases [66, 76].",
            scores=[
                make_score(name, place)
                for name, place in (
                    ("Marginals, mean Wasserstein distance", 0.97),
                    ("Energy distance", 0.71),
                    ("Correlations", 0.88),
                    ("Maximum mean discrepancy", 0.42),
                    ("far off", -3.0),
                )
            ],
            structure={"shuffled_marginals": make_interval(0.7, 0.1), "uniform_noise": make_interval(0.9, 0.05)},
            pairs=[
                {"pair": ["best_exit_percent", name], "score": 0.9, "gold": 0.1 * place, "synthetic": 0.08 * place}
                for place, name in enumerate(FEATURES)
            ],
        ),
    ]


def make_later_answers(rng: np.random.Generator, ticker: str) -> list[dict[str, Any]]:
    """Make the answers on exits, copies and variety, and on what the trades are good for."""
    return [
        make_answer(
            "exits",
            "Do exits follow volatility as the gold's do?",
            GOOD,
            "The exits move with volatility 1.05 times [0.8, 1.3] as much as gold's.",
            follow={"volatility": make_interval(1.05, 0.25), "time of day": None},
            curves=[make_curves(driver, name) for driver in ("volatility", "time of day") for name in EXITS],
        ),
        make_answer(
            "memorisation",
            "Are they new, or copies?",
            COPIES,
            "13 of 9,842 trades have all numbers of a train trade; none may.",
            **make_memory(rng, ticker),
        ),
        make_answer(
            "diversity",
            "Are they as varied as asked, and as the gold?",
            UNDERFIT,
            "session_period = close has less than half of the share declared.",
            **make_variety(ticker),
        ),
        make_answer(
            "model",
            "Does a model trained on them know the real trades?",
            GOOD,
            "A model trained on synthetic trades tells chances of held-out gold as far apart as gold's own.",
            trained={"trainings": make_trainings()},
            tuned=make_search(),
        ),
        make_answer(
            "backtest",
            "Do strategies rank as they do on real trades?",
            CANNOT_TELL,
            "The intervals reach from chance to gold's own: rank correlation is 0.61 [0.1, 0.87].",
            **make_backtest(rng),
        ),
        make_answer(
            "judge",
            "How far can the judge be trusted?",
            NOISE,
            "The judge is no better than chance (kappa 0.03 [-0.05, 0.11]).",
            **make_judge(ticker),
        ),
    ]


def make_variety(ticker: str) -> dict[str, Any]:
    """Make the metrics of diversity."""

    def make_control(name: str, values: list[str], delivered: list[float], starved: list[str]) -> dict[str, Any]:
        return {
            "name": name,
            "values": values,
            "declared": [1 / len(values)] * len(values),
            "delivered": delivered,
            "undeclared": 0.0,
            "variation": make_interval(0.12, 0.02),
            "by_chance": 0.04,
            "starved": starved,
        }

    volatility = make_control(
        "target_volatility",
        [f"{0.1 + place / 10:.2f}" for place in range(9)],
        [0.05, 0.08, 0.13, 0.12, 0.12, 0.13, 0.12, 0.13, 0.12],
        [],
    )
    period = make_control("session_period", ["open", "midday", ticker], [0.55, 0.37, 0.08], [ticker])
    return {"controls": [volatility, period], "effective": make_score("effective rows", 0.81, "prototype collapse")}


def make_search() -> dict[str, Any]:
    """Make the metrics of the search."""

    def make_curve(steps: list[int], top: float, own: float) -> list[dict[str, Any]]:
        return [
            {"resource": step, "own": make_interval(own, 0.03), "held_out": make_interval(top * (1 - 8 / step), 0.05)}
            for step in steps
        ]

    search = {"n_trials": 16, "n_pruned": 9, "spent": 9_120, "best": 0.6512}
    return {
        "reading": "fit",
        "gap": make_interval(0.02, 0.05),
        "searches": {"synthetic": search, "gold": search},
        "curves": {
            "synthetic": make_curve([40, 120, 360, 1080, 3240], 0.13, 0.17),
            "gold": make_curve([40, 120, 360], 0.14, 0.15),
        },
    }


def make_backtest(rng: np.random.Generator) -> dict[str, Any]:
    """Make the metrics of the backtest: a book of 130 strategies."""
    base = rng.normal(0.0, 0.1, 130)
    exits: dict[str, Any] = {
        name: [(1.0, 2.0, None)[place] for place in rng.integers(0, 3, 130)] for name in ("stop", "target", "trail")
    }
    means = {
        name: base + rng.normal(0.0, spread, 130)
        for name, spread in (("synthetic", 0.08), ("train", 0.05), ("holdout", 0.05))
    }
    return {
        "strategies": exits | {"minutes": [15] * 130} | means,
        "rho": {"expectancy": {"rho": make_interval(0.61, 0.3), "floor": make_interval(0.78, 0.1)}},
        "regret_percent": {
            "synthetic": make_interval(0.09, 0.06),
            "train": make_interval(0.05, 0.04),
            "random": make_interval(0.21, 0.05),
        },
        "search": {
            name: {"pbo": make_interval(0.4, 0.2), "deflated_sharpe": make_interval(0.6, 0.3)}
            for name in ("synthetic", "gold")
        }
        | {"synthetic_best_on_holdout": make_interval(0.5, 0.4)},
    }


def make_judge(ticker: str) -> dict[str, Any]:
    """Make the metrics of the judge's calibration."""
    names = [
        "untouched gold",
        "borrow_ticker_price",
        "exaggerate_excursion",
        "slip_decimal_point",
        "move_after_close",
        ticker,
    ]
    faults = [
        {
            "name": name,
            "description": f"About {name}.",
            "criterion": "realism" if place else None,
            "seen_by_checks": place % 2 == 1,
            "rows": 20,
            "judged": 20,
            "caught_by_checks": 20 * (place % 2),
            "caught_by_judge": 3 * place + 1,
            "missed": 2,
        }
        for place, name in enumerate(names)
    ]
    return {
        "faults": faults,
        "catch_unseen_by_checks": make_interval(0.55, 0.1),
        "false_reject": make_interval(0.07, 0.05),
        "criteria": [
            {"name": name, "catch": make_interval(0.6, 0.1), "false_reject": make_interval(0.04, 0.03)}
            for name in ("realism", "consistency", "completeness")
        ],
        "lines": {"catch": 0.7, "false_reject": 0.2},
    }


def make_curves(driver: str, exit_name: str) -> dict[str, Any]:
    """Make one exit's quantiles over five bins of a driver."""
    lines = np.outer([-1.2, 0.0, 1.1], np.linspace(0.6, 1.5, 5)) + 0.2
    is_clock = driver == "time of day"
    return {
        "driver": driver,
        "column": "entry_minute" if is_clock else "entry_volatility_percent",
        "exit": exit_name,
        "edges": [572.0, 590.0, 640.0, 725.0, 840.0, 950.0] if is_clock else [0.2, 0.41, 0.52, 0.68, 0.91, 1.4],
        "levels": [0.1, 0.5, 0.9],
        "centre": 0.5,
        "spread": 0.8,
        "gold": lines,
        "synthetic": lines * 0.9,
        "shuffled": np.outer([-1.2, 0.0, 1.1], np.ones(5)),
        "gold_error": np.full((3, 5), 0.2),
    }


def make_memory(rng: np.random.Generator, ticker: str) -> dict[str, Any]:
    """Make the metrics of memorisation."""
    edges = np.linspace(0.0, 3.0, 31)
    counts = {
        name: np.histogram(np.minimum(rng.gamma(3.0, scale, 4000), 3.0), edges)[0]
        for name, scale in (("to_train", 0.25), ("to_holdout", 0.3), ("real", 0.3), ("held_out", 0.3))
    }
    trade = {
        "ticker": ticker,
        "trade_type": "short",
        "entry_time": "2026-03-12 10:04:31-04:00",
        "exit_time": "2026-03-12 11:20:05-04:00",
        "entry_price": 187.4213,
        "exit_price": 186.02,
        "entry_volatility_percent": 0.3127,
        "worst_exit_percent": -0.41,
        "best_exit_percent": 1.02,
        "trade_percent_change": 0.7477,
    }
    pairs = [
        {
            "synthetic_id": f"r{place}",
            "train_id": f"g{place}",
            "distance": 0.01 * place,
            "ratio": 0.2,
            "is_exact": place == 0,
            "synthetic": trade,
            "train": trade | {"entry_price": 187.4213 + place},
        }
        for place in range(5)
    ]
    return {
        "near_distance": 0.21,
        "pairs": pairs,
        "distances": {"edges": edges, "counts": counts, "medians": {"to_train": 0.66, "to_holdout": 0.81}},
    }


def make_trainings() -> list[dict[str, Any]]:
    """Make the metrics of the exit model with a plain recipe."""
    told = (
        ("gold", 0.16, 0.06),
        ("synthetic", 0.13, 0.05),
        ("gold + synthetic", 0.15, 0.05),
        ("gold with its columns shuffled", 0.01, 0.03),
        ("base rate of gold", 0.0, 0.0),
    )
    return [
        {
            "trained_on": name,
            "tested_on": "held-out gold",
            "told_apart": make_interval(value, reach),
            "curve": [[x, min(1.0, x * 1.1 - 0.02), 22] for x in (0.2, 0.35, 0.5, 0.62, 0.8)],
        }
        for name, value, reach in told
    ]
