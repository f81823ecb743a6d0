"""Which split a described strategy is in: by what it trades, so that no twin or paraphrase crosses.

Strategies of some shapes (conditions and groups with the kinds of their operands, numbers and series left out) are in
`compositional` alone: a test of shapes that no training row has.
"""

import hashlib
import json
from typing import Any

from indicators.strategy.canonical import canonicalize
from indicators.strategy.tree import GROUPS, SIDES, Document

SPLITS = ("train", "validation", "test", "compositional")


def write_shape(document: Document) -> str:
    """Return the shape of a strategy: its keys, and the kinds of its conditions in their groups."""
    written = canonicalize(document)
    sides = {side: _write_condition(written[side]) for side in SIDES if side in written}
    return json.dumps([sorted(written.keys() - {*SIDES, "ticker"}), written["position_type"], sides], sort_keys=True)


def _write_condition(condition: Document) -> Any:
    ((kind, value),) = condition.items()
    if kind in GROUPS:
        return {kind: sorted(map(_write_condition, value), key=json.dumps)}
    return {kind: _write_condition(value["condition"])} if kind == "after" else kind


def hash_shape(document: Document) -> str:
    """Return the SHA-256 of a strategy's shape, 64 hex digits; of its conditions alone."""
    sides = json.loads(write_shape(document))[2]
    return hashlib.sha256(json.dumps(sides, sort_keys=True).encode()).hexdigest()


def choose_split(behaviour: str, shape: str, test_share: float, compositional_share: float) -> str:
    """Return the split of a strategy by the hashes of what it trades and of its shape."""
    if _draw(shape) < compositional_share:
        return "compositional"
    place = _draw(behaviour)
    return "test" if place < test_share else "validation" if place < 2 * test_share else "train"


def _draw(text: str) -> float:
    """Return a number from 0 to 1 that hangs on a text alone."""
    return int(hashlib.sha256(f"split:{text}".encode()).hexdigest()[:12], 16) / 16**12
