"""Books a job's result: every candidate that went in comes out accepted, open (to be refined) or failed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from columns.rendering import fence_json
from gold_data.trades.rules import check_copy, fingerprint
from jobs.job import LOST_WITHOUT_TRACE, JobResult, LostRow
from refine_loop.critique import judge_row, write_critique
from refine_loop.known_rows import KnownTrades
from refine_loop.state import CANDIDATE_SCHEMA, CRITERIA

Candidate = dict[str, Any]
NOT_NEEDED = "not needed, enough was accepted"
PLAN_IDS = "gold_examples__ids"


def open_candidate(plan_row: Mapping[str, Any], round_number: int, volatility_control: str | None) -> Candidate:
    """Start a candidate from its row of the plan."""
    blank: Candidate = dict.fromkeys(CANDIDATE_SCHEMA)
    return blank | {
        "row_id": plan_row["row_id"],
        "round": round_number,
        "status": "open",
        "volatility_constraint": plan_row[volatility_control] if volatility_control else None,
        "grounding_seeds": list(plan_row[PLAN_IDS]),
        "retry_count": 0,
        "criticised_fields": [],
        "critiques": [],
        "edits": [],
        "undone_edits": 0,
    }


def book_result(
    candidates: Sequence[Candidate],
    result: JobResult,
    *,
    refine_pass: int,
    acceptance: Mapping[str, int],
    accepted: KnownTrades,
) -> list[Candidate]:
    """Book a job over `candidates`, in their order; `accepted` gains the rows that are accepted here."""
    returned = {row["row_id"]: row for row in result.rows}
    booked = []
    for position, candidate in enumerate(candidates):
        counted = candidate | {"retry_count": refine_pass}
        if (row := returned.get(candidate["row_id"])) is None:
            booked.append(_book_loss(counted, result.lost.get(position)))
        else:
            booked.append(_book_row(counted, row, acceptance, accepted))
    return booked


def close_candidate(candidate: Candidate, why: str) -> Candidate:
    """Reject a candidate that is still open; its reason is the last critique's first line, and why it ended here."""
    first = (candidate["judge_critique"] or "").split("\n")[0].removeprefix("- ")
    return candidate | {"status": "rejected", "reason": f"{first} ({why})" if first else why}


def give_up_candidate(candidate: Candidate, cap: str) -> Candidate:
    """Fail a candidate that a cap kept from a refinement it had a right to; its critiques stay."""
    return candidate | {"status": "failed", "reason": f"not finished: the cap run.{cap} was reached"}


def drop_surplus(candidates: Sequence[Candidate], room: int) -> list[Candidate]:
    """Reject the accepted rows beyond the first `room`, in the order of the plan; they keep their scores."""
    kept = []
    for candidate in candidates:
        accepted = candidate["status"] == "accepted"
        surplus = accepted and room <= 0
        room -= accepted
        kept.append(candidate | {"status": "rejected", "reason": NOT_NEEDED} if surplus else candidate)
    return kept


def seed_refinement(plan_row: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    """Write a refine job's seed row: the plan's columns, the trade to mend and what is wrong with it."""
    return {
        **plan_row,
        "prev_trade": fence_json(json.loads(candidate["generated_row"])),
        "critique": candidate["judge_critique"],
        "criticised_fields": ",".join(candidate["criticised_fields"]),
    }


def _book_loss(candidate: Candidate, loss: LostRow | None) -> Candidate:
    loss = loss or LostRow("", LOST_WITHOUT_TRACE)
    return candidate | {"status": "failed", "reason": loss.message, "failed_column": loss.column or None}


def _book_row(
    candidate: Candidate, row: Mapping[str, Any], acceptance: Mapping[str, int], accepted: KnownTrades
) -> Candidate:
    trade = row["trade"]
    verdict = judge_row(row["trade_checks"]["violations"], row["judge"], acceptance)
    mark = fingerprint(trade) if verdict.accepted else None
    known = None if mark is None else accepted.find(mark)
    if mark is not None and known is not None:
        copies = check_copy(trade, {mark: known})
        verdict = judge_row([violation.to_dict() for violation in copies], None, acceptance)
    candidate = candidate | {
        "generated_row": json.dumps(trade),
        "judge_critique": write_critique(verdict.critique) or None,
        "criticised_fields": verdict.fields,
        **{name: verdict.scores.get(name) for name in CRITERIA},
    }
    if "trade__edits" in row:
        candidate["edits"] = [*candidate["edits"], row["trade__edits"]]
        candidate["undone_edits"] += len(row["trade__undone"])
    if mark is not None and verdict.accepted:
        accepted.add(mark, candidate["row_id"])
        return candidate | {"status": "accepted"}
    return candidate | {"critiques": [*candidate["critiques"], candidate["judge_critique"]]}
