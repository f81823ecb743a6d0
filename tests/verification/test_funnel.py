"""What a run took, counted from its ledger and usage."""

import polars as pl

from verification.funnel import count_funnel, quote_failures, sum_stages


def make_ledger(*rows: tuple[str, int, list[str]]) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "status": pl.String,
        "refine_passes": pl.Int64,
        "critiques": pl.List(pl.String),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_the_funnel_counts_each_stage() -> None:
    checks, judge = "- [session_hours] entry_time 08:48:37", "- [realism 2/5, at least 4 wanted] far beyond"
    ledger = make_ledger(
        ("accepted", 0, []),
        ("accepted", 0, []),
        ("accepted", 1, [checks]),
        ("accepted", 2, [judge, judge]),
        ("rejected", 2, [judge, judge, judge]),
        ("failed", 0, []),
    )
    assert count_funnel(ledger) == [
        ("candidates", 6),
        ("generated", 5),
        ("passed the checks at once", 4),
        ("accepted at once", 2),
        ("accepted after refine 1", 3),
        ("accepted after refine 2", 4),
    ]


def test_a_run_without_a_ledger_has_no_funnel() -> None:
    assert count_funnel(pl.DataFrame()) == []


def test_stages_are_summed_and_unknown_stays_unknown() -> None:
    parts = [
        {"stage": "generate", "requests": 3, "prompt_tokens": 10, "completion_tokens": None, "request_seconds": 1.5},
        {"stage": "generate", "requests": 2, "prompt_tokens": 20, "completion_tokens": 7, "request_seconds": 0.5},
    ]
    assert sum_stages({"by_stage": parts}) == [
        {
            "stage": "generate",
            "requests": 5,
            "prompt_tokens": 30,
            "completion_tokens": None,
            "seconds": 2.0,
            "cost": None,
        }
    ]


def test_nothing_spent_is_no_stage() -> None:
    assert sum_stages({}) == []


def test_answers_that_were_not_read_are_quoted() -> None:
    why = 'ticker must not be empty. The model wrote: "{...}" (finish_reason stop)'
    rows = {"failed_column": ["trade", "judge", None], "reason": [why, "no answer after 4 tries", "[copy] x"]}
    assert quote_failures(pl.DataFrame(rows)) == [f"not read, for trade: {why}"]
    assert quote_failures(pl.DataFrame()) == []
