"""Looks at a run's ledger: the worst by a criterion, those that a rule criticised, and how often each rule did."""

from pathlib import Path

import polars as pl

from designer_configs.compile.checks.shape import suggest
from designer_configs.compile.profile import Profile
from refine_loop.errors import RunInputError
from refine_loop.record.candidate import read_ledger

RULE = r"(?m)^- \[([a-z_]+)"  # how a line of a critique begins; a criterion's has its score behind the name
LOST = "lost"  # said of candidates that no usable answer came for


def list_worst(folder: Path, profile: Profile, criterion: str) -> pl.DataFrame:
    """List the candidates that were judged, the lowest score of a criterion first, then the others' sum.

    Raises:
        RunInputError: there is no ledger, or no such criterion.
    """
    criteria = profile.dataset.criteria
    if criterion not in criteria:
        has = suggest(criterion, criteria) if criteria else f"{profile.dataset.name} has no judge"
        raise RunInputError(f"--worst {criterion}: no criterion is called so; {has}")
    judged = read_ledger(folder).filter(pl.col(criterion).is_not_null())
    return judged.sort(pl.col(criterion), pl.sum_horizontal(*criteria), maintain_order=True)


def list_criticised(folder: Path, rule: str | None) -> pl.DataFrame:
    """List the candidates that a rule or criterion criticised in any version, those that were not accepted first.

    Raises:
        RunInputError: there is no ledger, or nothing was criticised by that name.
    """
    ledger, counted = read_ledger(folder), count_critics(folder)
    if rule not in counted:
        has = suggest(str(rule), list(counted)) if counted else "nothing was criticised in this run"
        raise RunInputError(f"--reason {rule}: no candidate was criticised by that name; {has}")
    named = pl.lit(value=True) if rule == LOST else _name_rules().list.contains(rule)
    found = ledger.filter(pl.col("status") == "failed" if rule == LOST else named)
    return found.sort(pl.col("status") == "accepted", maintain_order=True)


def count_critics(folder: Path) -> dict[str, int]:
    """Count the candidates that each rule or criterion criticised in any version, the commonest first.

    Raises:
        RunInputError: there is no ledger.
    """
    ledger = read_ledger(folder)
    named = ledger.select(_name_rules().list.unique().alias("rule")).explode("rule").drop_nulls()
    counted = named.group_by("rule").len().sort(["len", "rule"], descending=[True, False])
    lost = ledger.filter(pl.col("status") == "failed").height
    return {str(rule): int(count) for rule, count in counted.rows()} | ({LOST: lost} if lost else {})


def _name_rules() -> pl.Expr:
    return pl.col("critiques").list.join("\n").str.extract_all(RULE).list.eval(pl.element().str.extract(RULE))
