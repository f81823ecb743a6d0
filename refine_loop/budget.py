"""How much is asked for: the size of a round, and the caps that end a run."""

import math

from designer_configs.compile.profile import Profile
from refine_loop.record.events import EventLog
from refine_loop.state import LoopState, StopReason

FIRST_ROUND = 600  # candidates while nothing is accepted yet: what a model that never pleases may cost
FRUITLESS_ROUNDS = 3  # rounds in a row without one accepted row, after which going on is a waste of tokens
LONGEST_ROUND = 5_000  # candidates: what bounds the rows held in memory at a time
LIKELY = 0.84  # standard deviations below the mean, above which a normal variable lies in 80 of 100 cases
GROWTH = 10  # times all candidates so far: what a wrong guess from few rows may cost


def size_round(missing: int, accepted: int, planned: int) -> int:
    """Size a round by the acceptance seen so far: the smallest that brings what is missing four times out of five.

    A further round waits for its slowest rows anew, up to six requests one after the other; the surplus of one that is
    large enough is below 2 % of a long run. Nothing but counts goes into it, so a run repeats with its seed.
    """
    if not accepted:
        return min(missing, max(1, FIRST_ROUND - planned))
    rate, largest = accepted / planned, min(GROWTH * planned, LONGEST_ROUND)
    size = min(missing, largest)
    while size < largest and size * rate - missing + 0.5 < LIKELY * math.sqrt(size * rate * (1 - rate)):
        size += 1
    return size


def is_fruitless(state: LoopState) -> bool:
    """Tell whether going on is a waste of tokens."""
    is_first_lost = not state["accepted"] and state["planned"] >= FIRST_ROUND
    return is_first_lost or state["fruitless_rounds"] >= FRUITLESS_ROUNDS


def find_spent_cap(profile: Profile, log: EventLog) -> StopReason | None:
    """Name the cap of a profile that the run so far has used up, over all its resumes."""
    run = profile.run
    if log.active_seconds >= run.max_minutes * 60:
        return "max_minutes"
    if run.max_tokens is not None and log.tokens >= run.max_tokens:
        return "max_tokens"
    if run.max_cost is not None and sum_cost(profile, log) >= run.max_cost:
        return "max_cost"
    return None


def sum_cost(profile: Profile, log: EventLog) -> float:
    """Sum what was spent, in the profile's currency; tokens that a provider did not say are assumed from the texts."""
    return sum(profile.prices.price(model, *tokens) or 0.0 for model, tokens in log.tokens_of.items())
