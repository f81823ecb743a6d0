"""Describes a strategy in sentences that `reader` reads back."""

from random import Random
from typing import Any

from offline_model.tasks.strategy.forms import CARD, EXITS, PLAIN, POSITIONS, UNITS, VERBS, Json


class Writer:
    """Describes one strategy with the names of its cards, at random among the ways that the inverse reads."""

    def __init__(self, cards: str, rng: Random, *, says_usual: bool) -> None:
        self.names = {name: [each.strip() for each in names.split(",")] for name, names in CARD.findall(cards)}
        self.usual = _read_usual(cards) if says_usual else {}
        self.rng = rng

    def write(self, strategy: Json, *, sells_first: bool) -> list[str]:
        """Give the sentences of a description."""
        sides = [
            f"{side.partition('_')[0].capitalize()} when {self.say(strategy[side])}."
            for side in ("buy_condition", "sell_condition")
            if side in strategy
        ]
        said = [self.rng.choice(POSITIONS[strategy["position_type"]]).format(strategy["ticker"])]
        said += reversed(sides) if sells_first else sides
        said += [self.say_exit(ways, strategy[key]) for key, ways in EXITS.items() if key in strategy]
        said += [self.rng.choice(ways).format(strategy[key]) for key, ways in PLAIN.items() if key in strategy]
        said += [
            forms[unit].format(value) for key, forms in UNITS.items() for unit, value in strategy.get(key, {}).items()
        ]
        return said

    def say_exit(self, ways: tuple[str, ...], given: Json) -> str:
        """Say an exit in one of the ways that have a place for all that is given."""
        return self.rng.choice([way for way in ways if way.count("{") == len(given)]).format(**given)

    def say(self, condition: Json) -> str:
        """Say one condition; a group within another stands in brackets."""
        ((kind, value),) = condition.items()
        match kind:
            case "all" | "any":
                parts = [f"({self.say(each)})" if {"all", "any"} & each.keys() else self.say(each) for each in value]
                return (" and " if kind == "all" else " or ").join(parts)
            case "after":
                return f"{value['bars']} bars ago ({self.say(value['condition'])})"
            case "fib":
                move = f"{value['trend']} in {value.get('length', 14)} bars"
                return f"the market is at the {value['level']} percent Fibonacci retracement of its last move {move}"
            case "up" | "down":
                moves = "rising" if kind == "up" else "falling"
                return f"the {self.name(value['series'])} has been {moves} for {value['bars']} bars"
            case "change" | "intra":
                percent = value["percent"]
                moved = "fallen" if not isinstance(percent, str) and percent < 0 else "risen"
                size = percent if isinstance(percent, str) else abs(percent)
                span = f"over {value['bars']} bars" if kind == "change" else "within one bar"
                return f"the {self.name(value['series'])} has {moved} by at least {size} percent {span}"
        return f"{self.name(value[0], 'the ')} {self.rng.choice(VERBS[kind])} {self.name(value[1], 'the ')}"

    def name(self, series: Any, article: str = "") -> str:
        """Name a series with its parameters; a number as it is."""
        if not isinstance(series, dict):
            return str(series)
        ((name, given),) = series.items()
        parameters = [f"{key} {_say_value(key, value)}" for key, value in {**self.usual.get(name, {}), **given}.items()]
        return f"{article}{self.rng.choice(self.names[name])}" + (f" ({', '.join(parameters)})" if parameters else "")


def _say_value(key: str, value: Any) -> Any:
    return {True: "exponential", False: "simple"}[value in (True, "true")] if key == "use_exp_ma" else value


def _read_usual(cards: str) -> dict[str, Json]:
    usual: dict[str, Json] = {}
    name = ""
    for line in cards.splitlines():
        name = found[1] if (found := CARD.match(line)) else name
        if line.startswith("Parameters, defaults first: "):
            usual[name] = dict(part.split()[:2] for part in line.partition(": ")[2].split("; "))
    return usual
