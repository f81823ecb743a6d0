"""Books a job's result: every candidate that went in comes out accepted, open (to be refined) or ended."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from columns.checks.losses import NOT_NEEDED
from columns.checks.near_copies import NearCopies
from columns.dataset import Dataset
from columns.declared import FAMILY
from columns.rendering import show_row
from columns.rows import read_row
from gold_data.violation import Violation
from jobs.job import LOST_WITHOUT_TRACE, NOT_FINISHED, JobResult, LostRow
from refine_loop.critique import Verdict, judge_row, write_critique
from refine_loop.known_rows import KnownRows
from refine_loop.policy import read_decision, record_decision
from refine_loop.state import build_candidate_schema

Candidate = dict[str, Any]
NO_EDIT = "[]"  # the patch of a row that came back as it was
UNCHANGED = "the refiner gave it back unchanged"
UNDONE = "what the refiner changed was no field that a critique names"


@dataclass
class Book:
    """How candidates of one dataset are booked: what is accepted, and which rows are known already."""

    dataset: Dataset
    acceptance: Mapping[str, int]
    known: KnownRows = field(default_factory=KnownRows)
    is_read_back: bool = False

    def __post_init__(self) -> None:
        copies = self.dataset.declared.copies
        self._near = None if copies is None else NearCopies(copies.nearer_than)

    def read_back(self, accepted: Iterable[Mapping[str, Any]]) -> None:
        """Learn which rows were accepted before, by `row_id`, `generated_row` and what is kept with them."""
        for candidate in accepted:
            self._remember(self.load_row(candidate), candidate)
        self.is_read_back = True

    def _remember(self, row: Any, candidate: Mapping[str, Any]) -> None:
        """Keep what marks a row's copies under its family's name, or its own; its text, which no other repeats."""
        for mark in self.dataset.list_marks(row):
            self.known.add(mark, candidate.get(FAMILY, candidate["row_id"]))
        if self._near is not None and (text := self._find_text(candidate)) is not None:
            self._near.add(text, candidate["row_id"])

    def _find_text(self, candidate: Mapping[str, Any]) -> str | None:
        """Find the text of a candidate that may not be too near to another's."""
        declared = self.dataset.declared
        if declared.copies is None:
            return None
        column, _, name = declared.copies.of.partition(".")
        text = candidate["generated_row" if column == declared.row else column]
        return text if text is None or not name else str(json.loads(text).get(name, ""))

    def _check_copies(self, row: Any, candidate: Mapping[str, Any]) -> Violation | None:
        """Say which accepted row a row is a copy of, or nearly one; rows of its own family may be equal to it."""
        declared, family = self.dataset.declared, candidate.get(FAMILY)

        def find(mark: bytes) -> str | None:
            known = self.known.find(mark)
            return None if known == family else known

        if (known := self.dataset.find_known(row, find)) is not None:
            return self.dataset.name_copy(row, known)
        text = self._find_text(candidate)
        near = None if self._near is None or text is None else self._near.find(text)
        if near is None or declared.copies is None:
            return None
        limit, found = f"similarity below {declared.copies.nearer_than:g}", f"{near.similarity:.2f} to {near.name}"
        message = (
            f"{declared.copies.of} says nearly the same as that of {near.name}, similarity {found}; limit: {limit}"
        )
        return Violation("near_copy", declared.fields, limit, found, message)

    def open_candidate(self, plan_row: Mapping[str, Any], round_number: int, constrained_by: str | None) -> Candidate:
        """Start a candidate from its row of the plan; `constrained_by` is the control on the dataset's constraint."""
        declared = self.dataset.declared
        blank: Candidate = dict.fromkeys(build_candidate_schema(declared))
        if declared.constraint is not None and constrained_by is not None:
            blank[declared.constraint.name] = plan_row[constrained_by]
        seeds = [] if declared.grounding is None else list(plan_row[f"{declared.grounding}__ids"])
        own = {} if declared.families is None else {FAMILY: plan_row.get(FAMILY, plan_row["row_id"])}
        return blank | {
            "row_id": plan_row["row_id"],
            **own,
            "round": round_number,
            "status": "open",
            "grounding_seeds": seeds,
            "retry_count": 0,
            "criticised_fields": [],
            "critiques": [],
            "edits": [],
            "undone_edits": 0,
        }

    def book_result(self, candidates: Sequence[Candidate], result: JobResult, refine_pass: int) -> list[Candidate]:
        """Book a job over `candidates`, in their order; the rows that are accepted here are known from now on."""
        returned = {row["row_id"]: row for row in result.rows}
        booked = []
        for position, candidate in enumerate(candidates):
            counted = candidate | {"retry_count": refine_pass}
            if (row := returned.get(candidate["row_id"])) is None:
                booked.append(self._book_loss(counted, result.lost.get(position)))
            else:
                booked.append(self._book_row(counted, row))
        return booked

    def seed_refinement(self, plan_row: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
        """Write a refine job's seed row: the plan's columns, the row to mend and what is wrong with it."""
        declared = self.dataset.declared
        kept = zip(declared.list_side_columns(), declared.keep, strict=True)
        return {
            **plan_row,
            declared.previous_row: show_row(self.load_row(candidate)),
            "critique": candidate["judge_critique"],
            "criticised_fields": ",".join(candidate["criticised_fields"]),
            **{name: load_kept(candidate[column]) for name, column in kept if name not in plan_row},
        }

    def load_row(self, candidate: Mapping[str, Any]) -> Any:
        """Load the row that a candidate stands at: an object, or a text."""
        text = candidate["generated_row"]
        return text if self.dataset.declared.schema is None else json.loads(text)

    def _book_row(self, candidate: Candidate, returned: Mapping[str, Any]) -> Candidate:
        declared = self.dataset.declared
        row = read_row(returned[declared.row], declared.schema)
        if row is None:  # its column was skipped
            return self._book_skipped(candidate, returned)
        verdict, before = self._judge(returned), candidate["judge_critique"]
        candidate = candidate | self._describe(row, returned, verdict)
        if declared.policy is not None:
            candidate |= record_decision(candidate, read_decision(returned, declared))
        if verdict.accepted and (copy := self._check_copies(row, candidate)) is not None:
            verdict = judge_row([copy.to_dict()], None, declared, self.acceptance)
            candidate |= self._describe(row, returned, verdict)
        is_unchanged = returned.get(f"{declared.row}__edits") == NO_EDIT
        if f"{declared.row}__edits" in returned:
            candidate["edits"] = [*candidate["edits"], returned[f"{declared.row}__edits"]]
            candidate["undone_edits"] += len(returned[f"{declared.row}__undone"])
        if verdict.unjudged is not None:
            return self._book_unjudged(candidate, before, verdict.unjudged)
        if verdict.accepted and not is_unchanged:  # judged again it might pass by luck alone
            self._remember(row, candidate)
            return candidate | {"status": "accepted"}
        candidate["judge_critique"] = candidate["judge_critique"] or before
        candidate["critiques"] = [*candidate["critiques"], candidate["judge_critique"]]
        if is_unchanged:
            return close_candidate(candidate, UNDONE if returned[f"{declared.row}__undone"] else UNCHANGED)
        return candidate if verdict.may_mend else candidate | {"status": "rejected", "reason": verdict.critique[0]}

    def _book_unjudged(self, candidate: Candidate, before: str | None, why: str) -> Candidate:
        """Reject a candidate that a judge gave no scores: its row stays, and the last critique that it had."""
        judge = self.dataset.declared.judge
        kept = candidate | {"failed_column": judge, "judge_critique": before}
        return close_candidate(kept, f"no usable answer for {judge}: {why}")

    def _book_loss(self, candidate: Candidate, loss: LostRow | None) -> Candidate:
        """Fail a candidate that did not come back; one that has a row with a critique already is rejected with both.

        Of the latter are those whose refiner or judge gave no usable answer, and no more: what was not finished, or
        went astray without a word, says nothing of the row.
        """
        loss, declared = loss or LostRow("", LOST_WITHOUT_TRACE), self.dataset.declared
        counted = candidate | {"failed_column": loss.column or None}
        is_theirs = loss.column in (declared.refined_row, declared.judge)
        if candidate["retry_count"] and is_theirs and not loss.message.startswith(NOT_FINISHED):
            return close_candidate(counted, f"no usable answer for {loss.column}: {loss.message}")
        return counted | {"status": "failed", "reason": loss.message}

    def _judge(self, returned: Mapping[str, Any]) -> Verdict:
        declared = self.dataset.declared
        checked = (returned[name] for name in declared.checks if returned[name] is not None)
        violations: list[Any] = next((check["violations"] for check in checked if not check["passed"]), [])
        judgement = None if declared.judge is None else returned[declared.judge]
        return judge_row(violations, judgement, declared, self.acceptance)

    def _describe(self, row: Any, returned: Mapping[str, Any], verdict: Verdict) -> Candidate:
        declared = self.dataset.declared
        return {
            "generated_row": row if declared.schema is None else json.dumps(row),
            **_dump_kept(returned, declared.keep),
            "judge_critique": write_critique(verdict.critique) or None,
            "criticised_fields": verdict.fields,
            **{name: verdict.scores.get(name) for name in declared.criteria},
        }

    def _book_skipped(self, candidate: Candidate, returned: Mapping[str, Any]) -> Candidate:
        """Reject a candidate whose row was not asked for, because a check before it failed."""
        declared, verdict = self.dataset.declared, self._judge(returned)
        reason = verdict.critique[0] if verdict.critique else f"[skipped] {declared.row} was not made"
        ended = {"status": "rejected", "reason": reason, "critiques": [*candidate["critiques"], reason]}
        return candidate | _dump_kept(returned, declared.keep) | ended


def _dump_kept(returned: Mapping[str, Any], names: Sequence[str]) -> Candidate:
    return {name: None if returned[name] is None else json.dumps(returned[name]) for name in names}


def load_kept(text: str | None) -> Any:
    """Load what goes with a row: JSON objects and lists stay texts, as Data Designer carries them."""
    value = None if text is None else json.loads(text)
    return text if isinstance(value, dict | list) else value


def close_candidate(candidate: Candidate, why: str) -> Candidate:
    """Reject a candidate that is still open; its reason is the last critique's first line, and why it ended here."""
    first = (candidate["judge_critique"] or "").split("\n")[0].removeprefix("- ")
    return candidate | {"status": "rejected", "reason": f"{first} ({why})" if first else why}


def give_up_candidate(candidate: Candidate, cap: str) -> Candidate:
    """Fail a candidate that a cap kept from a refinement it had a right to; its critiques stay."""
    return candidate | {"status": "failed", "reason": f"{NOT_FINISHED}: the cap run.{cap} was reached"}


def drop_surplus(candidates: Sequence[Candidate], room: int) -> list[Candidate]:
    """Reject the accepted rows beyond the first `room`, in the order of the plan; they keep their scores."""
    kept = []
    for candidate in candidates:
        accepted = candidate["status"] == "accepted"
        surplus = accepted and room <= 0
        room -= accepted
        kept.append(candidate | {"status": "rejected", "reason": NOT_NEEDED} if surplus else candidate)
    return kept
