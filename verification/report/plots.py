"""Draws the report's plots, each from what `metrics.json` holds; one whose data is missing says so instead."""

from collections.abc import Callable, Mapping
from typing import Any

from verification.answers import CANNOT_TELL
from verification.report.judge import draw_faults, draw_judge_rates
from verification.report.parts import MissingDataError, Plot, get_value
from verification.report.run import draw_funnel, draw_stages
from verification.trades.plots.backtest import draw_luck, draw_ranks, draw_regret
from verification.trades.plots.bars import draw_gates, draw_indicators, draw_paths
from verification.trades.plots.exits import draw_time_curves, draw_volatility_curves
from verification.trades.plots.models import draw_learning, draw_reliability, draw_told_apart
from verification.trades.plots.overview import draw_distributions, draw_scale, draw_volatility_exits
from verification.trades.plots.trades import (
    draw_controls,
    draw_correlations,
    draw_distances,
    draw_pairs,
    draw_rules,
    draw_structure,
)

Draw = Callable[[Mapping[str, Any]], Plot]
ALWAYS: tuple[tuple[str, str, str, Draw], ...] = (
    ("scale", "scale", "Every distance on one scale", draw_scale),
    ("fidelity", "distributions", "Distributions", draw_distributions),
    ("exits", "volatility-exits", "Volatility against exits", draw_volatility_exits),
    ("run", "funnel", "Funnel of candidates", draw_funnel),
    ("run", "stages", "What each stage cost", draw_stages),
)  # section, key, title, how

BY_QUESTION: tuple[tuple[str, str, str, Draw], ...] = (
    ("validity", "rules", "Rules that every trade obeys", draw_rules),
    ("fidelity", "correlations", "Correlations of features", draw_correlations),
    ("fidelity", "structure", "Structure", draw_structure),
    ("exits", "curves-volatility", "Quantiles of the exits, given volatility", draw_volatility_curves),
    ("exits", "curves-time-of-day", "Quantiles of the exits, given the time of day", draw_time_curves),
    ("diversity", "controls", "Controls, delivered against declared", draw_controls),
    ("memorisation", "distances", "Distance to the nearest gold trade", draw_distances),
    ("memorisation", "pairs", "Nearest pairs", draw_pairs),
    ("utility", "reliability", "Reliability on held-out gold", draw_reliability),
    ("utility", "told-apart", "What a model learns from each", draw_told_apart),
    ("search", "learning", "Learning curves of the two tuned models", draw_learning),
    ("backtest", "ranks", "Strategy ranks", draw_ranks),
    ("backtest", "regret", "Regret of the choice", draw_regret),
    ("backtest", "luck", "Luck in the search", draw_luck),
    ("paths", "gates", "FinVal's gates", draw_gates),
    ("paths", "paths", "Price paths around the entry", draw_paths),
    ("indicators", "indicators", "Indicators at the entry", draw_indicators),
    ("judge", "faults", "Faults caught", draw_faults),
    ("judge", "judge-rates", "Caught, and refused in error", draw_judge_rates),
)  # question, key, title, how it is drawn from the question's metrics


def draw_plots(metrics: Mapping[str, Any]) -> dict[str, list[Plot]]:
    """Draw all plots, by the section they belong to, in the order in which they are shown."""
    answers = {
        answer.get("question"): answer for answer in get_value(metrics, "answers") or [] if isinstance(answer, Mapping)
    }
    drawn: dict[str, list[Plot]] = {}
    for section, key, title, draw in ALWAYS:
        drawn.setdefault(section, []).append(draw_or_tell(key, title, draw, metrics))
    for question, key, title, draw in BY_QUESTION:
        if question in answers:
            drawn.setdefault(question, []).append(draw_answer(key, title, draw, answers[question]))
    return drawn


def draw_answer(key: str, title: str, draw: Draw, answer: Mapping[str, Any]) -> Plot:
    """Draw a plot of an answer; where nothing could be told, there is nothing to draw for the answer's own reason."""
    plot = draw_or_tell(key, title, draw, answer.get("metrics") or {})
    if plot.is_empty and answer.get("verdict") == CANNOT_TELL:
        return Plot(key, title, f"Left out: not measured. {answer.get('reason') or ''}".strip())
    return plot


def draw_or_tell(key: str, title: str, draw: Draw, metrics: Mapping[str, Any]) -> Plot:
    """Draw a plot, or tell why it is left out: its data is missing, or of another shape than it should be."""
    try:
        return draw(metrics)
    except MissingDataError as missing:
        return Plot(key, title, str(missing))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return Plot(key, title, "Left out: its data has another shape than this report knows.")
