"""What a dataset's policy decided on a version of a row, from what its checks found; for datasets that have one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from columns.declared import Declared

ALLOW: Final = "allow"
DENY: Final = "deny"
REVIEW: Final = "review"


class Decided(NamedTuple):
    """A decision, and the rule that decided; None where the row is allowed."""

    decision: str
    rule: str | None

    def __str__(self) -> str:
        return self.decision if self.rule is None else f"{self.decision} {self.rule}"


def read_decision(returned: Mapping[str, Any], dataset: Declared) -> Decided:
    """Read the decision from a row's checks.

    A row that an earlier check refuses is denied by that check's rule: nothing unreadable is ever allowed. What breaks
    a rule of the policy that no refiner may mend is for review.
    """
    for name in dataset.checks:
        check = returned.get(name)
        if check is not None and not check["passed"]:
            violations: Sequence[Mapping[str, Any]] = check["violations"]
            is_for_review = name == dataset.policy and not any(violation.get("mend", True) for violation in violations)
            return Decided(REVIEW if is_for_review else DENY, str(violations[0]["rule"]))
        if name == dataset.policy:
            break  # what comes after is no matter of the policy
    return Decided(ALLOW, None)


def record_decision(candidate: Mapping[str, Any], decided: Decided) -> dict[str, Any]:
    """Give a candidate's columns of its last decision, and of all of them in turn."""
    history = [*(candidate["policy_history"] or ()), str(decided)]
    return {"policy_decision": decided.decision, "policy_rule": decided.rule, "policy_history": history}
