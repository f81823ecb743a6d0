"""How far can the judge be trusted? What `tradelogs judge calibrate` measures, and the answer it gives.

Every rate is of the first try that was answered, which is what a run acts on; the other tries tell how far the scores
repeat. A judge refuses a row when one criterion is below the profile's `acceptance`, as a run's verdict has it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from files.hashes import write_recorded
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Interval, Verdict, to_json
from verification.errors import VerificationError
from verification.judge.faults import Fault
from verification.judge.job import TRIES, JudgedRow, JudgePlan, make_rng

FILE = "judge_calibration.json"
QUESTION, TITLE = "judge", "How far can the judge be trusted?"

CATCH_LINE = 0.7  # of the faults that the checks cannot see; a judge that lets more through leaves too many in the run
FALSE_REJECT_LINE = 0.2  # of untouched gold; beyond it the accepted rows are the judge's taste, not the gold's
FAIR_KAPPA = 0.4  # above it agreement is more than fair (Landis and Koch, 1977)
LEAST_ROWS = 20  # of a kind, below which an interval spans half of all rates
RESAMPLES = 1_000
Z = 1.96  # of a 95% interval

Counts = NDArray[np.float64]
OFFLINE_SAYS = "This was the offline model: it rehearses the calibration and proves nothing about any language model."


@dataclass(frozen=True)
class Calibration:
    """A judge's scores on gold and on planted faults, with what they are held against."""

    profile: str
    judge: str
    is_offline: bool
    seed: int
    acceptance: Mapping[str, int]
    controls_left_out: Sequence[str]
    rows: Sequence[JudgedRow]
    faults: Sequence[Fault]


def collect_calibration(plan: JudgePlan, rows: Sequence[JudgedRow], *, is_offline: bool) -> Calibration:
    """Put the judged rows together with the profile that they were judged by."""
    profile = plan.profile
    return Calibration(
        profile=profile.name,
        judge=plan.judge,
        is_offline=is_offline,
        seed=plan.seed,
        acceptance=dict(profile.acceptance),
        controls_left_out=plan.controls_left_out,
        rows=rows,
        faults=plan.faults,
    )


@dataclass(frozen=True)
class _Tally:
    """Rows with an answer, and how the judge decided on each: `refused` by criterion, a column per criterion."""

    rows: list[JudgedRow]
    faults: list[Fault | None]
    refused: dict[str, NDArray[np.bool_]]
    seed: int

    @property
    def any_refused(self) -> NDArray[np.bool_]:
        return np.asarray(np.any(list(self.refused.values()), axis=0))

    def pick(self, wanted: Callable[[Fault | None], bool]) -> NDArray[np.bool_]:
        """Mark the rows whose fault is wanted."""
        return np.array([wanted(fault) for fault in self.faults], dtype=bool)


def ask_judge(calibration: Calibration) -> Answer:
    """Say how far a judge can be trusted before it gates anything.

    The verdict is `noise` where Cohen's kappa between what the judge refused and what was planted cannot be told from
    0, `underfit` where it surely misses too many of the faults that the checks cannot see, or surely refuses too much
    gold, `good` where it surely does neither.
    """
    tally = _tally_rows(calibration)
    untouched, unseen = tally.pick(_is_untouched), tally.pick(_is_unseen)
    refused = tally.any_refused
    catch, false_reject = measure_rate(refused[unseen]), measure_rate(refused[untouched])
    kappa = _measure_kappa(tally, refused, ~untouched)
    verdict, reason = _decide(int(unseen.sum()), int(untouched.sum()), catch, false_reject, kappa)
    caught = _count_caught(calibration)
    metrics = _describe(calibration) | {
        "caught_in_all": caught,
        "catch": measure_rate(refused[~untouched]),
        "catch_unseen_by_checks": catch,
        "false_reject": false_reject,
        "kappa": kappa,
        "same_decision": _measure_agreement(calibration),
        "criteria": [_measure_criterion(tally, calibration, name) for name in calibration.acceptance],
        "faults": [_count_fault(tally, calibration, fault) for fault in (None, *calibration.faults)],
    }
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=f"{reason} {OFFLINE_SAYS}" if calibration.is_offline else reason,
        numbers=(
            ("faults caught that only it can see", _show_percent(catch)),
            ("untouched gold refused", _show_percent(false_reject)),
            ("Cohen's kappa", str(kappa)),
            ("faults caught, by checks or judge", _show_percent(caught)),
        ),
        metrics=to_json(metrics),
    )


def _count_caught(calibration: Calibration) -> Interval:
    """Measure which share of the planted faults the checks refused, or the judge; no answer is none."""
    planted = [row for row in calibration.rows if row.fault is not None]
    least = calibration.acceptance
    return measure_rate(
        np.array(
            [
                bool(row.rules)
                or any(scores[name] < least[name] for scores in [_find_answer(row) or {}] for name in scores)
                for row in planted
            ],
            dtype=bool,
        )
    )


def _is_untouched(fault: Fault | None) -> bool:
    return fault is None


def _is_unseen(fault: Fault | None) -> bool:
    return fault is not None and not fault.seen_by_checks


def _tally_rows(calibration: Calibration) -> _Tally:
    known = {fault.name: fault for fault in calibration.faults}
    answered = [(row, scores) for row in calibration.rows if (scores := _find_answer(row)) is not None]
    refused = {
        name: np.array([scores[name] < least for _, scores in answered], dtype=bool)
        for name, least in calibration.acceptance.items()
    }
    rows = [row for row, _ in answered]
    return _Tally(rows, [known[row.fault] if row.fault else None for row in rows], refused, calibration.seed)


def _find_answer(row: JudgedRow) -> Mapping[str, int] | None:
    return next((scores for scores in row.tries if scores is not None), None)


def _decide(
    unseen: int, untouched: int, catch: Interval, false_reject: Interval, kappa: Interval
) -> tuple[Verdict, str]:
    caught, refused = _show_percent(catch), _show_percent(false_reject)
    said = f"it caught {caught} of the faults that only it can see and refused {refused} of untouched gold"
    lines = f"at least {CATCH_LINE:.0%} and at most {FALSE_REJECT_LINE:.0%} wanted"
    if min(unseen, untouched) < LEAST_ROWS:
        found = f"it answered {unseen} rows with a fault that only it can see and {untouched} untouched ones"
        return (
            CANNOT_TELL,
            f"Too few rows to trust or distrust the judge: {found}, at least {LEAST_ROWS} of each wanted.",
        )
    if not kappa.low > 0.0:
        if kappa.high >= FAIR_KAPPA:
            return CANNOT_TELL, f"Kappa {kappa} spans both chance and fair agreement; calibrate with more --rows."
        return NOISE, f"The judge is no better than chance (kappa {kappa}): {said}."
    if catch.low >= CATCH_LINE and false_reject.high <= FALSE_REJECT_LINE:
        return GOOD, f"The judge can gate: {said}; {lines}."
    if catch.high < CATCH_LINE or false_reject.low > FALSE_REJECT_LINE:
        return UNDERFIT, f"The judge is better than chance, but not to be trusted alone: {said}; {lines}."
    return CANNOT_TELL, f"Too close to the line: {said}; {lines}. Calibrate with more --rows."


def measure_rate(hits: NDArray[np.bool_]) -> Interval:
    """Give a share with Wilson's 95% interval (Wilson, 1927); NaN of no rows."""
    count = len(hits)
    if count == 0:
        return Interval(np.nan)
    share, shrink = float(np.mean(hits)), 1.0 + Z**2 / count
    centre = (share + Z**2 / (2.0 * count)) / shrink
    reach = Z * float(np.sqrt(share * (1.0 - share) / count + Z**2 / (4.0 * count**2))) / shrink
    return Interval(share, min(share, max(0.0, centre - reach)), max(share, min(1.0, centre + reach)))


def compute_kappa(counts: Counts) -> Counts:
    """Compute Cohen's kappa (1960) of 2 x 2 counts, one table per row: both yes, judge only, truth only, both no.

    NaN where both raters say the same of all rows, which leaves nothing to agree on beyond chance.
    """
    both, judge, truth, neither = counts.T
    total = counts.sum(axis=1)
    agreed = (both + neither) * total
    chance = (both + judge) * (both + truth) + (neither + judge) * (neither + truth)
    left = total**2 - chance
    return np.asarray(np.divide(agreed - chance, left, out=np.full(len(counts), np.nan), where=left > 0.0))


def _measure_kappa(tally: _Tally, refused: NDArray[np.bool_], is_faulty: NDArray[np.bool_]) -> Interval:
    """Measure kappa; the interval is a bootstrap over gold rows, for one may have been given several faults."""
    if not len(refused):
        return Interval(np.nan)
    cells = np.stack([refused & is_faulty, refused & ~is_faulty, ~refused & is_faulty, ~refused & ~is_faulty], axis=1)
    _, golds = np.unique([row.gold_id for row in tally.rows], return_inverse=True)
    counts = np.zeros((int(golds.max()) + 1, 4))
    np.add.at(counts, golds.reshape(-1), cells.astype(np.float64))
    value = float(compute_kappa(counts.sum(axis=0, keepdims=True))[0])
    weights = make_rng(tally.seed, "kappa").multinomial(len(counts), [1.0 / len(counts)] * len(counts), size=RESAMPLES)
    drawn = compute_kappa(weights @ counts)
    drawn = drawn[np.isfinite(drawn)]
    if len(counts) < 2 or not len(drawn):
        return Interval(value)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _measure_criterion(tally: _Tally, calibration: Calibration, name: str) -> dict[str, Any]:
    """Measure one criterion: on the faults that hurt it and on untouched gold, and how far its scores repeat."""
    hurt, untouched = tally.pick(lambda fault: fault is not None and fault.criterion == name), tally.pick(_is_untouched)
    held = np.flatnonzero(hurt | untouched)
    part = _Tally([tally.rows[at] for at in held], [tally.faults[at] for at in held], {}, tally.seed)
    refused = tally.refused[name]
    scores = np.array([[each[name] for each in tries] for tries in _list_whole(calibration)]).reshape(-1, TRIES)
    spread = scores.max(axis=1) - scores.min(axis=1)
    return {
        "name": name,
        "least": calibration.acceptance[name],
        "rows_hurt": int(hurt.sum()),
        "rows_untouched": int(untouched.sum()),
        "catch": measure_rate(refused[hurt]),
        "catch_unseen_by_checks": measure_rate(refused[hurt & tally.pick(_is_unseen)]),
        "false_reject": measure_rate(refused[untouched]),
        "kappa": _measure_kappa(part, refused[held], hurt[held]),
        "same_score": float(np.mean(spread == 0)) if len(spread) else None,
        "mean_range": float(np.mean(spread)) if len(spread) else None,
    }


def _list_whole(calibration: Calibration) -> list[list[Mapping[str, int]]]:
    """List the tries of the rows that were answered every time."""
    tries = [[scores for scores in row.tries if scores is not None] for row in calibration.rows]
    return [answered for answered in tries if len(answered) == TRIES]


def _measure_agreement(calibration: Calibration) -> float | None:
    """Measure the share of rows on which every try decides alike; None where no row was answered every time."""
    decisions = [
        {any(scores[name] < least for name, least in calibration.acceptance.items()) for scores in tries}
        for tries in _list_whole(calibration)
    ]
    return float(np.mean([len(each) == 1 for each in decisions])) if decisions else None


def _count_fault(tally: _Tally, calibration: Calibration, fault: Fault | None) -> dict[str, Any]:
    """Count one kind of fault, or untouched gold (None), for which `missed` counts what nobody refused, as is right."""
    name = fault.name if fault else None
    planted = [row for row in calibration.rows if row.fault == name]
    mine = np.array([row.fault == name for row in tally.rows], dtype=bool)
    checked = np.array([bool(row.rules) for row in tally.rows], dtype=bool)
    refused = tally.any_refused
    return {
        "name": name or "untouched gold",
        "description": fault.description if fault else "A gold row as it is.",
        "criterion": fault.criterion if fault else None,
        "seen_by_checks": fault.seen_by_checks if fault else False,
        "rows": len(planted),
        "judged": int(mine.sum()),
        "caught_by_checks": sum(bool(row.rules) for row in planted),
        "caught_by_judge": int((mine & refused).sum()),
        "missed": int((mine & ~refused & ~checked).sum()),
    }


def _describe(calibration: Calibration) -> dict[str, Any]:
    tries = [scores for row in calibration.rows for scores in row.tries]
    return {
        "profile": calibration.profile,
        "judge": calibration.judge,
        "is_offline": calibration.is_offline,
        "seed": calibration.seed,
        "acceptance": dict(calibration.acceptance),
        "controls_left_out": list(calibration.controls_left_out),
        "rows": len(calibration.rows),
        "tries": TRIES,
        "rows_judged": sum(bool(row.tries) for row in calibration.rows),
        "rows_without_answer": sum(_find_answer(row) is None for row in calibration.rows if row.tries),
        "tries_without_answer": sum(scores is None for scores in tries),
        "lines": {"catch": CATCH_LINE, "false_reject": FALSE_REJECT_LINE},
    }


def _show_percent(rate: Interval) -> str:
    if not rate.is_known:
        return "unknown"
    return f"{rate.value:.0%} [{rate.low:.0%}, {rate.high:.0%}]"


def write_calibration(calibration: Calibration, answer: Answer, folder: Path) -> Path:
    """Write the answer, and every row with its scores, so that the file is either whole or not there."""
    document = {"answer": to_json(answer), "rows": [to_json(asdict(row)) for row in calibration.rows]}
    write_recorded(f"{json.dumps(document)}\n".encode(), folder / FILE, folder)
    return folder / FILE


def read_answer(document: Mapping[str, Any]) -> Answer:
    """Read the answer back from what `write_calibration` wrote.

    Raises:
        VerificationError: it is something else.
    """
    try:
        fields = dict(document["answer"])
        return Answer(**fields | {"numbers": tuple((str(label), str(text)) for label, text in fields["numbers"])})
    except (KeyError, TypeError, ValueError) as exc:
        raise VerificationError(
            f"{FILE} is not what `tradelogs judge calibrate` writes ({exc!r}): delete it, or calibrate again"
        ) from exc
