"""Does every row keep what is promised of strategies? It trades, has no dead clause and no twin, its text says all."""

from collections import Counter
from collections.abc import Iterator

import polars as pl

from columns.declared import FAMILY
from indicators.strategy.grammar import check_text, read_strategy
from indicators.strategy.liveliness import check_liveliness
from indicators.strategy.said import check_said
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Verdict, bound_share, say_percent, to_json
from verification.inputs import FinishedRun

QUESTION, TITLE = "promises", "Does every strategy trade, and its text say all of it?"
COLUMNS = ("strategy", "description", "withheld", "behaviour_hash", "split")
MOSTLY = 0.5  # of the rows: surely more broken ones are noise
NEVER_TRADE = "Of reference 004's strategies 39.2% never trade, and 58.5% cannot be recovered from their prompts."


def ask_promises(run: FinishedRun) -> Answer:
    """Ask which rows break a promise; underfit where one does."""
    rows, missing = run.accepted.height, [name for name in COLUMNS if name not in run.accepted.columns]
    broken = [] if missing else list(iter_broken(run.accepted))
    rules = Counter(rule for _, rule in broken)
    share = bound_share(len({row for row, _ in broken}) / rows, rows) if rows and not missing else None
    verdict, reason = _judge(rows, missing, rules)
    if share is not None and share.low > MOSTLY:
        verdict = NOISE
    idle, dead, twins = (rules[name] for name in ("idle", "dead-clause", "twin"))
    unsaid = sum(rules[name] for name in ("unstated", "invented", "direction", "not-withheld"))
    families = count_families(run)
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            ("strategies that hardly trade, have a dead clause or a twin", f"{idle}, {dead}, {twins} of {rows}"),
            ("things that descriptions leave out or invent", str(unsaid)),
            ("rows that break a promise", "unknown" if share is None else say_percent(share)),
            *([] if families is None else [("drawn strategies with all their descriptions", families)]),
        ),
        metrics=to_json(
            {"rows": rows, "rules": dict(rules), "first": broken[:20], "share": share, "families": families}
        ),
    )


def iter_broken(table: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Give the row and the rule of every broken promise."""
    known: dict[str, tuple[str, str]] = {}  # by behaviour: whose it is, and its split
    for row in table.iter_rows(named=True):
        name, text = row["row_id"], row["strategy"]
        yield from ((name, problem.rule) for problem in check_liveliness(text))
        if not check_text(text):
            said = check_said(row["description"], read_strategy(text), row["withheld"])
            yield from ((name, problem.rule) for problem in said)
        own = (row.get(FAMILY, name), row["split"])
        first = known.setdefault(row["behaviour_hash"], own)
        if first != own:
            yield name, "twin" if first[1] == own[1] else "leak"


def count_families(run: FinishedRun) -> str | None:
    """Count the strategies that were drawn, and those with all descriptions; nothing where each has one alone."""
    families = run.profile.dataset.families
    size = 1 if families is None else run.profile.options[families.size]
    if families is None or size == 1 or FAMILY not in run.accepted.columns:
        return None
    drawn = run.accepted.filter(*(pl.col(name) == value for name, value in families.where.items()))
    counts = drawn[FAMILY].value_counts()["count"]
    return f"{(counts == size).sum()} of {len(counts)}"


def _judge(rows: int, missing: list[str], rules: Counter[str]) -> tuple[Verdict, str]:
    if missing:
        return CANNOT_TELL, f"The accepted rows have no column {', '.join(missing)}."
    if not rows:
        return CANNOT_TELL, "There is no accepted row."
    if rules:
        return (
            UNDERFIT,
            f"Broken: {', '.join(f'{count} x {rule}' for rule, count in rules.most_common())}. {NEVER_TRADE}",
        )
    said = "Every strategy trades on its home bars, no clause is dead, no two trade the same, every text says all."
    return GOOD, f"{said} {NEVER_TRADE}"
