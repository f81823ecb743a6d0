"""Rows that tell the same have one number."""

import polars as pl

from verification.trades.origins import number_origins, number_sessions


def test_rows_of_one_seed_have_one_origin(gold: pl.DataFrame) -> None:
    seeds = [[f"gold-{place % 7}", "gold-99"] for place in range(len(gold))]
    assert len(set(number_origins(gold.with_columns(gold_example_ids=pl.Series(seeds))).tolist())) == 7


def test_without_seeds_rows_share_their_session(gold: pl.DataFrame) -> None:
    assert number_origins(gold).tolist() == number_sessions(gold).tolist()


def test_rows_written_twice_are_of_one_origin(gold: pl.DataFrame) -> None:
    one_day = gold.with_columns(session_date=gold["session_date"][0])
    both = pl.concat([one_day, one_day])
    origins = number_origins(both).tolist()
    assert origins[: len(gold)] == origins[len(gold) :]
    assert len(set(origins)) == len(gold)
