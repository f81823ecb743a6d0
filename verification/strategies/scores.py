"""The scores of one answer against the right one; each is between 0 and 1, or None where the row has no such score."""

from collections.abc import Mapping
from functools import lru_cache

from indicators.strategy.bar_suite import hash_behaviour, load_suite, trade_on
from indicators.strategy.canonical import write_text
from indicators.strategy.equality import name_value
from indicators.strategy.executor import Trade
from indicators.strategy.grammar import read_strategy
from indicators.strategy.liveliness import find_home
from indicators.strategy.tree import Document
from verification.strategies.dialects import Said
from verification.strategies.differences import count_right, count_sizes

METRICS: Mapping[str, str] = {  # in the order in which they are printed; the first four are the reference's
    "valid": "says a strategy, or a question, after repair",
    "identical": "the same tree",
    "parameters": "values of the right strategy, written out with every default, that the answer has too",
    "entry_recall": "entries of the right strategy that the answer has too, on its home bars; all, where it has none",
    "strict": "says it and nothing else",
    "identical_recoverable": "the same tree, of the rows whose prompt says all",
    "same_trades": "trades the same on the whole suite, of the rows whose right strategy is sound",
    "trades_f1": "F1 of trades (entry, exit, side) on the home bars, where the right strategy trades there",
    "question": "asks for just what is not said, of the rows whose right answer is a question",
}
WEIGHT = "values"  # of the right strategy: what a row's `parameters` counts for
MOST_KEPT = 20_000


def score_answer(said: Said, right: Said, *, recoverable: bool) -> dict[str, float | None]:
    """Score one answer."""
    identical = float(bool(said.tree) and said.tree == right.tree and bool(said.unresolved) == bool(right.unresolved))
    asks = bool(right.unresolved)
    size = sum(count_sizes(right.parameters).values())
    had = count_right(said.parameters, right.parameters) / size
    trades = _score_trades(said, right.document)
    return {
        "valid": float(said.is_valid),
        "strict": float(said.strict),
        "identical": None if asks else identical,
        "identical_recoverable": identical if recoverable and not asks else None,
        WEIGHT: float(size),
        "parameters": None if asks else had * said.is_valid * (not said.unresolved),
        "question": float(_name_all(said) == _name_all(right)) if asks else None,
        **trades,
    }


def _name_all(said: Said) -> set[tuple[str, str]]:
    return set(map(name_value, said.unresolved))


def _score_trades(said: Said, right: Document | None) -> dict[str, float | None]:
    """Score what is traded; where the right strategy never enters, any valid answer has all entries, as there."""
    if right is None:
        return dict.fromkeys(("entry_recall", "same_trades", "trades_f1"))
    home, text = find_home(right, load_suite()).name, write_text(right)
    theirs, answer = _list_trades(text, home), said.document
    none = float(said.is_valid and not theirs)
    if answer is None:
        return {"entry_recall": none, "same_trades": 0.0, "trades_f1": 0.0 if theirs else None}
    ours = _list_trades(write_text(answer), home)
    entries = [{(trade.entry_bar, trade.side) for trade in trades} for trades in (ours, theirs)]
    whole = [{(trade.entry_bar, trade.exit_bar, trade.side) for trade in trades} for trades in (ours, theirs)]
    both = len(whole[0] & whole[1])
    same = write_text(answer) == text or (whole[0] == whole[1] and _hash(write_text(answer)) == _hash(text))
    return {
        "entry_recall": len(entries[0] & entries[1]) / len(entries[1]) if theirs else none,
        "same_trades": float(same),
        "trades_f1": 2 * both / (len(whole[0]) + len(whole[1])) if theirs else None,
    }


@lru_cache(maxsize=MOST_KEPT)
def _hash(text: str) -> str:
    return hash_behaviour(read_strategy(text), load_suite())


@lru_cache(maxsize=MOST_KEPT)
def _list_trades(text: str, home: str) -> tuple[Trade, ...]:
    bars = next(each for each in load_suite() if each.name == home)
    return tuple(trade_on(read_strategy(text), bars))


def name_reaction(said: Said, right: Said) -> str:
    """Name what an answer does about values that are not said: guess, ask (rightly, wrongly, needlessly) or nothing."""
    if right.unresolved:
        if said.unresolved:
            return "right question" if _name_all(said) == _name_all(right) else "wrong question"
        return "guess" if said.is_valid else "silence"
    return "needless question" if said.unresolved else ""
