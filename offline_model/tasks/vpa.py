"""Rehearsal of vpa: sentences of a template filled from the bar that a prompt shows, with planted faults."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from offline_model.errors import PromptError
from offline_model.options import Options
from offline_model.prompt import Sections, read_fences

PATTERNS = (
    *("selling climax", "buying climax", "spring", "upthrust", "test", "stopping volume", "no supply", "no demand"),
    *("accumulation", "distribution"),
)
TRENDS = {"up": "has been rising", "down": "has been falling", "sideways": "has gone sideways"}
OPPOSITES = {"BUY": "SELL", "SELL": "BUY", "HOLD": "BUY"}
FAILURE_RATE = 0.2  # share of the refiner's texts that have a fault again
USUAL_LENGTH = (90, 140)  # words, where no control asks for a length
_BOUNDS = re.compile(r"(\d+) to (\d+) words")
_RULE = re.compile(r"^- \w+: (.+)$", re.MULTILINE)
_DECIMALS = re.compile(r"\b\d+\.\d+\b")

Bar = Mapping[str, Any]
Forms = tuple[str, ...]

OPENINGS: Forms = (
    "The {timeframe} bar of {ticker} at {timestamp} is a {whole}.",
    "At {timestamp} {ticker} shows a {whole} on its {timeframe} bars.",
    "{whole}: so reads the {timeframe} bar of {ticker} that began at {timestamp}.",
    "What volume and price say of {ticker} at {timestamp}, on {timeframe}, is a {whole}.",
)
NAMED: Forms = ("It rests on {names}.", "The bar shows {names}.", "What decides is {names}.", "Here stands {names}.")
UNNAMED: Forms = ("No pattern is there to act on.", "Nothing at this bar calls for action.", "No sign stands out here.")
ABOUT: dict[str, tuple[Forms, Forms]] = {  # by what must be known: what is said first, and what may be said of it then
    "volume": (
        ("Volume of {volume:,.0f} is {volume_class}.", "With {volume:,.0f} traded, volume is {volume_class}."),
        ("It stands at percentile {volume_percentile:g} of 50 bars.", "Its percentile is {volume_percentile:g}.", ""),
    ),
    "close": (
        ("The candle is {candle_class}, from {low:.10g} to {high:.10g}.", "It closed at {close:.10g}: {candle_class}."),
        ("Its spread is {spread_class}.", "Percentile {spread_percentile:g} makes the spread {spread_class}.", ""),
    ),
    "efficiency": (
        ("Over 20 bars price {moved}, by {change_percent:g} percent.", "Price {moved} for 20 bars."),
        ("The efficiency of that is {efficiency:g}, a {trend} trend.", "Such a trend counts as {trend}.", ""),
    ),
    "up_volume_share": (
        ("Rising closes took {up_volume_share:g} of the volume.", "The share of up-volume is {up_volume_share:g}."),
        ("That weighs in the background.", "Effort and result are read from it.", ""),
    ),
    "support": (("Support lies at {support:.10g}.", "Below, {support:.10g} is the nearest level."), ("",)),
    "resistance": (("Resistance lies at {resistance:.10g}.", "Above, {resistance:.10g} is the next level."), ("",)),
    "stop": (("The stop is {stop:.10g}.", "It fails at {stop:.10g}."), ("The target is {target:.10g}.", "")),
    "above": (("On {above} the trend is {above_trend}.", "The {above} bars have a trend {above_trend}."), ("",)),
}
ASIDES: Forms = (
    "By the rules:",
    "To be weighed:",
    "In the background:",
    "Beside it:",
    "The reader should note:",
    "Also:",
)
FILLERS: Forms = (
    "Nothing of what comes after the bar is known here, and nothing of it is claimed.",
    "The reading holds for this bar alone, and the next one may change it.",
    "Volume shows the effort, and the spread shows what came of it.",
    "The rules were written down beforehand, and were fitted to no price.",
    "Whoever acts on it should know where it would be wrong.",
)


def write_text(sections: Sections, rng: Random, fault_rate: float) -> str:
    """Write a text on a prompt's bar, as long as asked, with a fault at the rate."""
    bar, facts = _read_bar(sections)
    bounds = _BOUNDS.search(sections.bodies.get("What this explanation must be", ""))
    low, high = (int(bounds[1]), int(bounds[2])) if bounds else USUAL_LENGTH
    names = [name.replace("_", " ") for name in bar["pattern_analysis"]["patterns"]]
    lead = [rng.choice(OPENINGS), rng.choice(NAMED if names else UNNAMED)]
    text = " ".join(lead).format(**facts, names=" and ".join(names))
    for sentence in _say_more(sections, facts, rng):
        words = len(text.split())
        if words >= low and words + len(sentence.split()) > (low + high) / 2:
            break
        text += f" {sentence}"
    return plant_fault(text, bar, names, rng) if rng.random() < fault_rate else text


def _say_more(sections: Sections, facts: Bar, rng: Random) -> Iterator[str]:
    told = [[rng.choice(first), rng.choice(then)] for key, (first, then) in ABOUT.items() if facts[key] is not None]
    said = [" ".join(filter(None, sentences)).format(**facts) for sentences in told]
    said += [f"{rng.choice(ASIDES)} {rule}" for rule in _RULE.findall(sections.bodies.get("The rules that fired", ""))]
    return iter([*rng.sample(said, len(said)), *rng.sample(FILLERS, len(FILLERS))])


def plant_fault(text: str, bar: Bar, names: Sequence[str], rng: Random) -> str:
    """Plant a wrong number, a pattern that is not there, another signal, or a trend that only a reader finds wrong."""
    numbers = _DECIMALS.findall(text)
    kind = rng.choice(("number", "pattern", "signal", "trend"))
    if kind == "number" and numbers:
        wrong = rng.choice(numbers)
        return text.replace(wrong, f"{float(wrong) * 3 + 1000:.2f}", 1)
    if kind == "pattern":
        return f"{text} One may also call it {rng.choice([name for name in PATTERNS if name not in names])}."
    moved = TRENDS[bar["trend_analysis"]["status"]]
    if kind == "trend" and moved in text:
        return text.replace(moved, rng.choice([words for words in TRENDS.values() if words != moved]))
    return text.replace(bar["signal"], OPPOSITES[bar["signal"]], 1)


def judge_text(sections: Sections, rng: Random) -> Mapping[str, object]:
    """Judge a text: faithful unless it tells another trend than the bar has."""
    bar, _ = _read_bar(sections)
    text, moved = sections.bodies.get("The explanation", ""), TRENDS[bar["trend_analysis"]["status"]]
    wrong = [words for words in TRENDS.values() if words != moved and words in text]
    said = (
        f"The text says that price {wrong[0]}; by the context it {moved}." if wrong else "All of it is in the context."
    )
    verdict: dict[str, object] = {"faithfulness": {"reasoning": said, "score": 1 if wrong else 5}}
    praise = {"reasoning": "What it names leads to the signal.", "clarity": "Its reader can follow it."}
    return verdict | {name: {"reasoning": text, "score": rng.choice((4, 5))} for name, text in praise.items()}


def _read_bar(sections: Sections) -> tuple[Bar, Bar]:
    """Read the bar that a prompt shows, and what the sentences take of it."""
    fences = read_fences(sections.bodies.get("The bar", ""))
    shown = fences[0] if fences else None
    if not (isinstance(shown, list) and shown and isinstance(shown[0], dict) and "trend_analysis" in shown[0]):
        raise PromptError("the section '## The bar' holds no bar's context in a ```json list of one object")
    bar = shown[0]
    trend, levels, metrics = bar["trend_analysis"], bar["support_resistance"], bar["vpa_metrics"]
    higher = [summary for summary in (bar.get("multi_timeframe_context") or {}).values() if summary is not None]
    above = higher[0] if higher else {"timeframe": None, "trend_status": None}
    facts = {**bar["current_candle"], **trend, **{key: str(value).replace("_", " ") for key, value in metrics.items()}}
    facts |= {key: value for key, value in metrics.items() if not isinstance(value, str)}
    facts |= {name: levels[f"nearby_{name}"]["price"] for name in ("support", "resistance")}
    whole = bar["signal"] if bar["signal"] == "HOLD" else f"{bar['strength']} {bar['signal']}"
    said = {"whole": whole, "trend": trend["strength"], "moved": TRENDS[trend["status"]]}
    named = {key: bar[key] for key in ("ticker", "timeframe", "timestamp", "stop", "target")}
    return bar, {**facts, **named, **said, "above": above["timeframe"], "above_trend": above["trend_status"]}


TASKS: Mapping[str, Callable[[Sections, Random, Options], object]] = {
    "explain one bar": lambda sections, rng, options: write_text(sections, rng, options.fault_rate),
    "judge one explanation": lambda sections, rng, _: judge_text(sections, rng),
    "mend one explanation": lambda sections, rng, _: write_text(sections, rng, FAILURE_RATE),
}
