"""Are the held-out sessions of the market and the trader that the train part is of? Gold alone, shown only."""

import numpy as np

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, Answer, Interval, Verdict, to_json
from verification.settling import say_lacks, say_least, say_settling
from verification.trades.classifier import LEAST_GROUPS, LEAST_ROWS, cross_fit, measure_auc
from verification.trades.features import straighten
from verification.trades.matching import measure_sound
from verification.trades.origins import number_sessions
from verification.trades.yardstick import Yardstick

QUESTION, TITLE = "drift", "Are the held-out sessions like those before them?"
LINE = 0.5  # AUC of a guess
NARROW = 0.1  # half an interval; a wider one says nothing


def ask_drift(yardstick: Yardstick) -> Answer:
    """Ask whether a classifier tells held-out gold from the train part: `underfit` means that it surely does."""
    sides = [measure_sound(part) for part in (yardstick.train, yardstick.holdout)]
    rows = straighten(sides[0]), straighten(sides[1])
    groups = number_sessions(sides[0]), -1 - number_sessions(sides[1])
    counts = (("train trades", f"{len(rows[0]):,}"), ("held-out trades", f"{len(rows[1]):,}"))
    fit = cross_fit(*rows, *groups, yardstick.make_rng(QUESTION), (np.ones(len(rows[0])), np.ones(len(rows[1]))))
    label = "train against held-out gold (AUC)"
    if fit is None:
        few = [
            ("held-out gold trades", len(rows[1]), LEAST_ROWS),
            ("held-out sessions", len(np.unique(groups[1])), LEAST_GROUPS),
            ("gold trades to train on", len(rows[0]), LEAST_ROWS),
            ("sessions of gold to train on", len(np.unique(groups[0])), LEAST_GROUPS),
        ]
        reason = f"Too little to tell whether your last sessions are another market: {say_lacks(few)}."
        return Answer(QUESTION, TITLE, CANNOT_TELL, reason, ((label, "unknown"), *counts), {}, say_least(few))
    auc = measure_auc(fit.left, fit.right, *groups)
    verdict: Verdict = CANNOT_TELL
    told = f"A classifier tells your last sessions from those before them with AUC {auc}"
    if auc.low > LINE:
        verdict, told = UNDERFIT, f"{told}: your last sessions are another market, and sets are held against both."
    elif auc.high - LINE <= NARROW:
        verdict, told = GOOD, f"{told}: they are of one market."
    else:
        told = f"{told}: too few to tell whether they are of one market."
    needs = say_enough(auc, len(rows[1])) if verdict == CANNOT_TELL else ""
    return Answer(QUESTION, TITLE, verdict, told, ((label, str(auc)), *counts), to_json({"auc": auc}), needs)


def say_enough(auc: Interval, held_out: int) -> str:
    """Say how many held-out trades would settle whether it surely is another market, or surely hardly is."""
    far = auc.value - LINE > NARROW
    return say_settling(held_out, auc, LINE if far else LINE + NARROW, "held-out gold trades")
