"""A strategy's trades as a loop over bars that knows only the bar it is at: what `executor` is tested against."""

from typing import Any

from indicators.strategy.executor import Trade

Bar = tuple[float, float, float, float]
NO = float("nan")


class Walker:
    """One position at a time, moved on bar by bar."""

    def __init__(self, strategy: dict[str, Any]) -> None:
        """Take a strategy without a window, sessions or stops by range."""
        self.strategy, self.position = strategy, strategy["position_type"]
        self.side, self.entry, self.price, self.best = 0, 0, 0.0, 0.0
        self.trades: list[Trade] = []

    def move(self, number: int, bar: Bar, buy: bool, sell: bool, last: bool) -> None:
        """Pass one bar, with what held at the close of the bar before."""
        opened, high, low, closed = bar
        wants = 1 if buy and not sell else -1 if sell and not buy else 0
        turns = self.position == "LONG_SHORT_COMBINED"
        leaves = (sell if self.side > 0 else buy) if not turns else wants == -self.side
        was = self.side
        if was and leaves:
            self.leave(number, opened, "signal")
        elif was and number - self.entry >= self.strategy.get("exit_after_bars", 10**9):
            self.leave(number, opened, "time")
        if not self.side and (not was or (turns and leaves)):
            self.enter(number, opened, wants)
        if self.side:
            self.look_within(number, opened, high, low)
        if self.side and last:
            self.leave(number, closed, "end")

    def enter(self, number: int, price: float, wants: int) -> None:
        """Open what the strategy may open."""
        allowed = {"LONG": (1,), "SHORT": (-1,)}.get(self.position, (1, -1))
        if wants in allowed:
            self.side, self.entry, self.price, self.best = wants, number, price, price

    def look_within(self, number: int, opened: float, high: float, low: float) -> None:
        """Leave at the stop, else at the target."""
        stop, trail, target = (
            self.strategy.get(key, {}).get("percent") for key in ("stop_loss", "trailing", "take_profit")
        )
        side, worst, better = self.side, low if self.side > 0 else high, high if self.side > 0 else low
        levels = []
        if stop is not None:
            levels.append((self.price - side * self.price * (stop / 100), "stop"))
        if trail is not None:
            levels.append((self.best - side * self.best * (trail / 100), "trailing"))
        self.best = max(self.best, high) if side > 0 else min(self.best, low)
        if levels:
            level, reason = max(levels, key=lambda each: side * each[0])
            if side * worst <= side * level:
                self.leave(number, min(opened, level) if side > 0 else max(opened, level), reason)
                return
        if target is not None:
            level = self.price + side * self.price * (target / 100)
            if side * better >= side * level:
                self.leave(number, max(opened, level) if side > 0 else min(opened, level), "target")

    def leave(self, number: int, price: float, reason: str) -> None:
        """Close the position."""
        self.trades.append(Trade(self.entry, number, self.side, self.price, price, reason, NO))
        self.side = 0


def walk_strategy(strategy: dict[str, Any], bars: list[Bar], buys: list[bool], sells: list[bool]) -> list[Trade]:
    """Return the trades of a strategy whose sides hold where `buys` and `sells` say."""
    walker = Walker(strategy)
    for number, bar in enumerate(bars):
        before = (buys[number - 1], sells[number - 1]) if number else (False, False)
        walker.move(number, bar, *before, last=number == len(bars) - 1)
    return walker.trades
