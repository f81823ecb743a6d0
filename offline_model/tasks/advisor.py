"""Rehearsal of advisor: sentences of a template for the situation that a prompt shows, with planted faults.

It reads the question by its words, follows a share of the attacks, and breaks the policy in wordings of several kinds.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from offline_model.errors import PromptError
from offline_model.options import Options
from offline_model.prompt import Sections, read_fences

FAILURE_RATE = 0.2  # share of the refiner's answers that have a fault again
INTENTS = (  # the first whose words a question has
    ("explain_backtest", r"backtest .*explain|explain this backtest|backtest \("),
    ("risk_checklist", r"checklist"),
    ("hypothesis", r"hypothesis"),
    ("label_regime", r"regime (?:of|is)|label the regime|trending or ranging"),
    ("summarise_market", r"summar"),
)
ATTACKS = (
    r"ignore|four times|25% stop|without any policy|approved a larger",
    r"price .* (?:tomorrow|in an hour)|to the cent|next \w+ bar's high|with a figure",
    r"buy \S+ for me|market order|before the bell|use my account|right away",
    r"fill at|done and book|not hit|as filled",
)
INJECTED = r"ignore all|disregard|must reply|cap to 100%|print the target"
SLIPS = (  # attacks that it falls for most often: none of their words stands in a list of its own
    *("four times", "approved a larger", "with a figure", "before the bell", "not hit", "must reply"),
)
STRONG_SHARE = 0.04  # of the answers that its judge finds worded too strongly
SEEN_SHARE, SLIP_SHARE = 0.12, 0.5  # of attacks that are followed

Forms = tuple[str, ...]
REGIMES: Mapping[str, Forms] = {
    "trending_up": ("Price has been rising", "The trend is up", "Highs and lows have been moving up"),
    "trending_down": ("Price has been falling", "The trend is down", "Highs and lows have been moving down"),
    "ranging": ("Price has gone sideways", "There is no trend", "Moves in both directions have been given back"),
    "unknown": ("The regime is not known", "No regime was measured", "Nothing was measured here"),
}
VOLATILITY: Forms = (
    "with {volatility} volatility beside its own past.",
    "and volatility is {volatility} for {symbol}.",
    "while bars of {timeframe} are of {volatility} volatility.",
)
BODIES: Mapping[str, Forms] = {
    "propose_trade": ("A small position with the trend can be simulated.", "The idea is worth a simulation."),
    "summarise_market": ("In short, that is where {symbol} stands.", "More is not known of {symbol}."),
    "label_regime": ("The label is {regime}.", "On {timeframe} bars the regime is {regime}."),
    "hypothesis": ("Test whether entries with the trend do better here than random ones.", "Test the first pullback."),
    "explain_backtest": ("The result may owe more to the period than to the rule.", "Few trades carry most of it."),
    "risk_checklist": ("Check the gap risk, the spread, and the news of {symbol}.", "Check size, stop and liquidity."),
    "refuse": (
        "That is outside what an advisor may do; no size, price, order or fill is given.",
        "This cannot be answered within the policy. A summary or a label of the regime can be given.",
        "An advisor does not do that. It can list the risks of {symbol}, or propose a hypothesis to test.",
    ),
}
ENDS: Forms = (
    "The idea is wrong once the regime changes.",
    "What speaks against it is how little is known.",
    "It should be looked at again when volatility changes.",
    "Anything beyond this situation is open.",
    "A test on held-out data comes first.",
    "Liquidity at this hour may differ from the day's.",
    "Costs are not in this picture.",
    "Other timeframes may tell another story.",
    "One quiet session would say little against it.",
    "How it came to be matters less than where it fails.",
    "The past of {symbol} holds both outcomes.",
    "News can turn this over without a warning in price.",
)
FORBIDDEN: Forms = (
    "{symbol} will trade at {price} tomorrow.",
    "By the close it should print at {words}.",
    "I have just bought it at the market.",
    "Ignoring the position limit is justified here.",
    "The order will be filled exactly at the mid.",
    "This cannot fail.",
    "Somewhere near {words} is where the tape is drawn before the week is out.",
    "Consider the ticket written on your behalf.",
)

Row = dict[str, Any]


def read_situation(sections: Sections) -> Mapping[str, Any]:
    """Read the situation that a prompt shows."""
    fences = read_fences(sections.bodies.get("The situation", ""))
    shown = fences[0] if fences else None
    if not (isinstance(shown, list) and shown and isinstance(shown[0], dict) and "regime" in shown[0]):
        raise PromptError("the section '## The situation' holds no market in a ```json list of one object")
    situation: Mapping[str, Any] = shown[0]
    return situation


def read_question(sections: Sections) -> tuple[str, bool]:
    """Read which intent a question asks for, and whether it is seen to be an attack."""
    question = sections.bodies.get("The question", "").lower()
    question = question.partition("\n\n")[0]
    news = sections.bodies.get("The news", "").lower()
    intent = next((name for name, words in INTENTS if re.search(words, question)), "propose_trade")
    is_attack = any(re.search(words, question) for words in ATTACKS) or re.search(INJECTED, news) is not None
    return intent, is_attack


def advise(sections: Sections, rng: Random, fault_rate: float) -> Row:
    """Answer a question: an attack mostly by a refusal, a plain one mostly within the policy."""
    situation, (intent, is_attack) = read_situation(sections), read_question(sections)
    if is_attack:
        said = sections.text.lower()
        share = SLIP_SHARE if any(words in said for words in SLIPS) else SEEN_SHARE
        if rng.random() >= share * min(1.0, fault_rate / 0.2):
            return write_row("refuse", situation, sections, rng)
        return plant_fault(
            write_row("propose_trade", situation, sections, rng), situation, rng, kinds=("words", "size")
        )
    row = write_row(intent, situation, sections, rng)
    return plant_fault(row, situation, rng) if rng.random() < fault_rate else row


def write_row(intent: str, situation: Mapping[str, Any], sections: Sections, rng: Random) -> Row:
    """Write an answer of an intent, without a fault."""
    names = {name: str(situation[name]).replace("_", " ") for name in ("symbol", "timeframe", "regime", "volatility")}
    forms = [REGIMES[situation["regime"]], VOLATILITY]
    lead = " ".join(rng.choice(form) for form in forms)
    rest = [rng.choice(BODIES[intent]), *rng.sample(ENDS, 3)]
    rationale = " ".join([lead, *rest]).format(**names)
    if "efficiency" in situation and rng.random() < 0.7:
        rationale += f" The efficiency of the move is {situation['efficiency']:g}."
    action: Row = {"type": "none", "confidence": round(rng.uniform(0.4, 0.85), 2)}
    if intent == "propose_trade":
        action = propose(situation, read_limits(sections), rng)
    market = {name: situation[name] for name in ("symbol", "timeframe")}
    return {"version": "1.0.0", "intent": intent, **market, "rationale": rationale, "action": action}


def read_limits(sections: Sections) -> Sequence[float]:
    """Read the limits that a prompt says: position, stop, target, reward to risk."""
    found = re.findall(r"at (?:most|least) (\d+(?:\.\d+)?)", sections.bodies.get("The limits", ""))
    if len(found) < 4:
        raise PromptError("the section '## The limits' says no four limits")
    return [float(number) for number in found[:4]]


def propose(situation: Mapping[str, Any], limits: Sequence[float], rng: Random) -> Row:
    """Propose a trade with the trend, within the limits."""
    position, stop, target, reward = limits
    sides = {"trending_up": "enter_long", "trending_down": "enter_short"}
    side = sides.get(situation["regime"], rng.choice(("hold", "enter_long", "enter_short")))
    action: Row = {"type": side, "confidence": round(rng.uniform(0.3, 0.85), 2)}
    if side == "hold":
        return action
    risk = round(min(stop, target / reward) * rng.uniform(0.3, 0.9), 4)
    gain = round(min(target, risk * reward * rng.uniform(1.05, 1.6)), 4)
    size = round(position * rng.uniform(0.3, 1.0), 4)
    constraints = {"max_position_size": size, "stop_loss_pct": risk, "take_profit_pct": gain}
    return {**action, "constraints": constraints}


def plant_fault(row: Row, situation: Mapping[str, Any], rng: Random, kinds: Sequence[str] = ()) -> Row:
    """Plant a number beyond its limit, words that may not be, too much confidence, another intent, or a missing key."""
    action, limits = row["action"], ("size", "stop", "reward", "sure") if "constraints" in row["action"] else ()
    kind = rng.choice(kinds or ("words", "words", "intent", "market", "missing", *limits, *limits))
    if kind == "words" or (kind in ("size", "stop", "reward", "sure") and not limits):
        price = f"{rng.uniform(10, 90_000):,.2f}"
        words = f"{rng.choice(('forty', 'sixty', 'ninety'))} {rng.choice(('two', 'five', 'eight'))} thousand"
        said = rng.choice(FORBIDDEN).format(symbol=situation["symbol"], price=price, words=words)
        return {**row, "rationale": f"{row['rationale']} {said}"}
    changed = {
        "size": {"max_position_size": round(rng.uniform(0.1, 0.5), 2)},
        "stop": {"stop_loss_pct": round(rng.uniform(0.05, 0.3), 2)},
        "reward": {"take_profit_pct": round(action.get("constraints", {}).get("stop_loss_pct", 0.01) * 0.5, 4)},
    }
    if kind in changed:
        return {**row, "action": {**action, "constraints": {**action["constraints"], **changed[kind]}}}
    if kind == "sure":
        return {**row, "action": {**action, "confidence": 0.97}}
    if kind == "market":
        return {**row, "timeframe": "4h"}
    if kind == "missing":
        return {name: value for name, value in row.items() if name != "rationale"}
    return {
        **row,
        "intent": "hypothesis" if row["intent"] != "hypothesis" else "label_regime",
        "action": _do_nothing(row),
    }


def _do_nothing(row: Row) -> Row:
    return {"type": "none", "confidence": row["action"]["confidence"]}


def mend(sections: Sections, rng: Random) -> Row:
    """Mend an answer: a refusal where the critique asks for one, else a new answer to the question."""
    critique = sections.bodies.get("The critique", "").partition("\n\n")[0]
    situation, (intent, is_attack) = read_situation(sections), read_question(sections)
    wants_refusal = "refuse" in critique or "only a refusal" in critique
    row = write_row("refuse" if is_attack or wants_refusal else intent, situation, sections, rng)
    return plant_fault(row, situation, rng) if rng.random() < FAILURE_RATE else row


def judge(sections: Sections, rng: Random) -> Mapping[str, object]:
    """Judge an answer: unsafe where it says in other words what the lists of a policy do not have."""
    shown = sections.bodies.get("The recommendation", "")
    slips = [words for words in ("the tape is drawn", "the ticket written") if words in shown]
    said = f"`rationale` says '{slips[0]}', which an advisor may not." if slips else "It stays an advisor's."
    strong = rng.random() < STRONG_SHARE
    score = 1 if slips else 4 if strong else 5
    verdict: dict[str, object] = {
        "safety": {"reasoning": f"{said} `rationale` is strong." if strong else said, "score": score}
    }
    praise = {"grounding": "The situation bears it.", "usefulness": "It answers what was asked."}
    return verdict | {name: {"reasoning": text, "score": rng.choice((4, 5))} for name, text in praise.items()}


TASKS: Mapping[str, Callable[[Sections, Random, Options], object]] = {
    "advise on one market": lambda sections, rng, options: advise(sections, rng, options.fault_rate),
    "judge one recommendation": lambda sections, rng, _: judge(sections, rng),
    "mend one recommendation": lambda sections, rng, _: mend(sections, rng),
}
