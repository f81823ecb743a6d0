"""Rehearsal of stock_report: sentences of the JSON file beside it, filled from a prompt's sheet; planted faults."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from offline_model.errors import PromptError
from offline_model.options import Options
from offline_model.prompt import Sections, read_fences

FAILURE_RATE = 0.2  # share of the refiner's reports that have a fault again
USUAL_LENGTH = (60, 110)  # words, where no control asks for a length
COMPARED = ("price", "change", "volatility", "volume", "macd")  # scales whose facts reports compare
POINTS = {"up": "points up", "down": "points down", "neutral": "points nowhere"}
OPPOSITES = {"BUY": "SELL", "SELL": "BUY", "HOLD": "BUY"}
_BOUNDS = re.compile(r"(\d+) to (\d+) words")
_FACT = re.compile(r"^- \[\[(\w+)\]\]: (\S+).*?\((\w+): ", re.MULTILINE)
_NEWS = re.compile(r"^- news \[\[([^\]]+)\]\]", re.MULTILINE)
_VOTE = re.compile(r"^- (\w+): (\w+)$", re.MULTILINE)
_MARK = re.compile(r"\[\[\w+\]\]")

Report = dict[str, Any]
SENTENCES: Mapping[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
OPENINGS, CONE, COMPARISON, NEWS, CONFLICT, STALE, PLAIN, FILLERS = (
    tuple[str, ...](SENTENCES[name])
    for name in ("openings", "cone", "comparison", "news", "conflict", "stale", "plain", "fillers")
)
GROUPS: Mapping[str, Sequence[str]] = SENTENCES["groups"]


@dataclass(frozen=True)
class Sheet:
    """What a prompt tells of a moment: facts with value and scale, ids of news, votes, what the rule gives."""

    facts: Mapping[str, tuple[float, str]]
    news: tuple[str, ...]
    votes: Mapping[str, str]
    rule: Mapping[str, str]
    bounds: tuple[int, int]


def read_sheet(sections: Sections) -> Sheet:
    """Read the sheet and the rule of a prompt.

    Raises:
        PromptError: One of them is not there.
    """
    shown, ruled = sections.bodies.get("The sheet", ""), sections.bodies.get("The rule", "")
    facts = {name: (float(re.sub(r"[^\d.-]", "", said)), scale) for name, said, scale in _FACT.findall(shown)}
    told = dict(_VOTE.findall(ruled))
    if not facts or "recommendation" not in told:
        raise PromptError(
            "the sections '## The sheet' and '## The rule' hold no facts with marks, or no recommendation"
        )
    asked = _BOUNDS.search(sections.bodies.get("What this report must be", ""))
    votes = {name: told[name] for name in GROUPS if name in told}
    rule = {name: told[name] for name in ("recommendation", "confidence", "situation")}
    return Sheet(
        facts, tuple(_NEWS.findall(shown)), votes, rule, (int(asked[1]), int(asked[2])) if asked else USUAL_LENGTH
    )


def write_report(sections: Sections, rng: Random, fault_rate: float) -> Report:
    """Write a report on a prompt's sheet, as long as asked, with a fault at the rate."""
    sheet = read_sheet(sections)
    report = write_sound(sheet, rng)
    kind = rng.choice([*FAULTS, TREND_FAULT]) if rng.random() < fault_rate else None
    return report if kind is None else plant_fault(kind, report, sheet, rng) or report


def write_sound(sheet: Sheet, rng: Random) -> Report:
    """Write a report without a fault."""
    rating, situation = sheet.rule["recommendation"], sheet.rule["situation"]
    stop = round(rng.uniform(0.3, 2.5), 2)
    has_stop = rating != "HOLD"
    report: Report = {
        "report": rng.choice(STALE),
        "recommendation": rating,
        "confidence": sheet.rule["confidence"],
        "stop_loss_pct": stop if has_stop else None,
        "take_profit_pct": round(stop * rng.uniform(1.2, 3), 2) if has_stop else None,
        "claims": [],
        "news_ids": [],
    }
    if situation == "stale":
        return report | {"report": " ".join([report["report"], *rng.sample(FILLERS, 2)])}
    text = [rng.choice(OPENINGS).format(rating=rating, confidence=report["confidence"])]
    if situation == "conflict":
        text.append(rng.choice(CONFLICT).format(**_name_sides(sheet)))
    middle = (sheet.bounds[0] + sheet.bounds[1]) / 2
    for sentence, claim, news in _say_more(sheet, rng):
        words = len(" ".join(text).split())
        if words >= sheet.bounds[0] and words + len(sentence.split()) > middle:
            break
        text.append(sentence)
        report["claims"] += [claim] if claim else []
        report["news_ids"] += [news] if news else []
    return report | {"report": " ".join(text)}


def _name_sides(sheet: Sheet) -> dict[str, str]:
    return {side: next(name for name, vote in sheet.votes.items() if vote == side) for side in ("up", "down")}


def _say_more(sheet: Sheet, rng: Random) -> Iterator[tuple[str, dict[str, str] | None, str | None]]:
    """Give sentences in a random order, each with the claim that it makes and the news that it cites."""
    said: list[tuple[str, dict[str, str] | None, str | None]] = []
    said += [(rng.choice(GROUPS[name]).format(points=POINTS[vote]), None, None) for name, vote in sheet.votes.items()]
    said += [(rng.choice(COMPARISON).format(**claim), claim, None) for claim in _draw_claims(sheet, rng, 3)]
    said += [(rng.choice(NEWS).format(name=name), None, name) for name in sheet.news[-1:]]
    said += [(sentence, None, None) for sentence in (rng.choice(CONE), *rng.sample(PLAIN, 4))]
    known = [
        part for part in said if set(_MARK.findall(part[0])) <= {f"[[{name}]]" for name in (*sheet.facts, *sheet.news)}
    ]
    fillers = [(sentence, None, None) for sentence in rng.sample(FILLERS, len(FILLERS))]
    return iter([*rng.sample(known, len(known)), *fillers])


def _draw_claims(sheet: Sheet, rng: Random, count: int) -> list[dict[str, str]]:
    names = [name for name, (_, scale) in sheet.facts.items() if scale in COMPARED]
    pairs = [(a, b) for a in names for b in names if sheet.facts[a][1] == sheet.facts[b][1]]
    pairs = [(a, b) for a, b in pairs if sheet.facts[a][0] != sheet.facts[b][0]]
    chosen = rng.sample(pairs, min(count, len(pairs)))
    return [
        {"left": a, "relation": "above" if sheet.facts[a][0] > sheet.facts[b][0] else "below", "right": b}
        for a, b in {frozenset(pair): pair for pair in chosen}.values()
    ]


def _add(sentence: str) -> Callable[[Report, Sheet, Random], Report]:
    return lambda report, _sheet, _rng: report | {"report": f"{report['report']} {sentence}"}


def _type_digit(report: Report, _: Sheet, rng: Random) -> Report:
    mark = rng.choice(_MARK.findall(report["report"]))
    return report | {"report": report["report"].replace(mark, f"{rng.uniform(1, 99):.2f}", 1)}


def _invent_mark(report: Report, _: Sheet, rng: Random) -> Report:
    mark = rng.choice(_MARK.findall(report["report"]))
    return report | {
        "report": report["report"].replace(mark, f"[[{rng.choice(('rsi_7', 'vwap', 'target_price'))}]]", 1)
    }


def _turn_claim(report: Report, sheet: Sheet, rng: Random) -> Report | None:
    if not (claims := _draw_claims(sheet, rng, 1)):
        return None
    wrong = claims[0] | {"relation": {"above": "below", "below": "above"}[claims[0]["relation"]]}
    sentence = rng.choice(COMPARISON).format(**wrong)
    return report | {"claims": [*report["claims"], wrong], "report": f"{report['report']} {sentence}"}


def _claim_unsaid(report: Report, sheet: Sheet, rng: Random) -> Report | None:
    known = {(c["left"], c["right"]) for c in report["claims"]}
    new = [c for c in _draw_claims(sheet, rng, 5) if (c["left"], c["right"]) not in known]
    return report | {"claims": [*report["claims"], new[0]]} if new else None


def _say_unclaimed(report: Report, sheet: Sheet, rng: Random) -> Report | None:
    known = {(c["left"], c["right"]) for c in report["claims"]}
    new = [c for c in _draw_claims(sheet, rng, 5) if (c["left"], c["right"]) not in known]
    return report | {"report": f"{report['report']} {COMPARISON[0].format(**new[0])}"} if new else None


def _turn_rating(report: Report, _: Sheet, __: Random) -> Report:
    rating = OPPOSITES[report["recommendation"]]
    text = report["report"].replace(report["recommendation"], rating)
    return report | {"report": text, "recommendation": rating, "stop_loss_pct": 1.0, "take_profit_pct": 2.0}


def _turn_confidence(report: Report, _: Sheet, rng: Random) -> Report:
    other = rng.choice([name for name in ("high", "medium", "low") if name != report["confidence"]])
    return report | {"confidence": other, "report": report["report"].replace(report["confidence"], other)}


def _turn_word(report: Report, _: Sheet, __: Random) -> Report:
    return report | {"report": f"{report['report']} All in all it is a {OPPOSITES[report['recommendation']].lower()}."}


def _cross_stop(report: Report, _: Sheet, rng: Random) -> Report:
    return report | rng.choice(
        ({"stop_loss_pct": 3.0, "take_profit_pct": 1.5}, {"stop_loss_pct": 2.0, "take_profit_pct": None})
    )


def _cite_later(report: Report, _: Sheet, rng: Random) -> Report:
    return report | {"news_ids": [*report["news_ids"], f"later_{rng.randint(100, 999)}"]}


FAULTS: Mapping[str, Callable[[Report, Sheet, Random], Report | None]] = {
    "unknown mark": _invent_mark,
    "digit": _type_digit,
    "number in words": _add("It moved about twenty percent."),
    "false relation": _turn_claim,
    "claim that is not said": _claim_unsaid,
    "comparison that is not claimed": _say_unclaimed,
    "another recommendation": _turn_rating,
    "another confidence": _turn_confidence,
    "another rating in words": _turn_word,
    "news without an id": _add("The company announced a merger."),
    "news of later": _cite_later,
    "promise": _add("The price will certainly rise."),
    "stop beyond target": _cross_stop,
    "scaled number": _add("In all, [[volume]] million changed hands."),
}
TREND_FAULT = "another trend"  # what only the critic finds


def plant_fault(kind: str, report: Report, sheet: Sheet, rng: Random) -> Report | None:
    """Plant a fault of a kind; None where the report has no place for it."""
    if kind != TREND_FAULT:
        return FAULTS[kind](deepcopy(report), sheet, rng)
    wrong = rng.choice([points for vote, points in POINTS.items() if vote != sheet.votes["trend"]])
    return report | {"report": f"{report['report']} Again, the trend {wrong}."}


def judge_report(sections: Sections, rng: Random) -> Mapping[str, object]:
    """Judge a report: faithful unless it tells another trend than the rule's votes have."""
    sheet, shown = read_sheet(sections), read_fences(sections.bodies.get("The report", ""))
    text = str(shown[0].get("report", "")) if shown and isinstance(shown[0], dict) else ""
    right = POINTS[sheet.votes["trend"]]
    wrong = [p for p in POINTS.values() if p != right and f"the trend {p}" in text.lower()]
    said = (
        f"The text says that the trend {wrong[0]}; by the rule it {right}." if wrong else "All of it is in the sheet."
    )
    verdict: dict[str, object] = {"faithfulness": {"reasoning": said, "score": 1 if wrong else 5}}
    praise = {"consistency": "It argues for its recommendation.", "clarity": "Its reader can follow it."}
    return verdict | {name: {"reasoning": text, "score": rng.choice((4, 5))} for name, text in praise.items()}


def write_notes(sections: Sections, rng: Random) -> str:
    """Write an analyst's notes: what two groups point to."""
    votes = read_sheet(sections).votes
    return " ".join(rng.choice(GROUPS[name]).format(points=POINTS[votes[name]]) for name in rng.sample(list(votes), 2))


TASKS: Mapping[str, Callable[[Sections, Random, Options], object]] = {
    "note what the price shows": lambda sections, rng, _: write_notes(sections, rng),
    "note what the market shows": lambda sections, rng, _: write_notes(sections, rng),
    "write one stock report": lambda sections, rng, options: write_report(sections, rng, options.fault_rate),
    "judge one stock report": lambda sections, rng, _: judge_report(sections, rng),
    "mend one stock report": lambda sections, rng, _: write_report(sections, rng, FAILURE_RATE),
}
