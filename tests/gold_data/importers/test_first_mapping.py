"""A first mapping, guessed from a file that no format fits."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gold_data.errors import GoldError
from gold_data.importers import LogOptions, import_files
from gold_data.importers.first_mapping import write_first_mapping
from tradelogs.cli import main

FILLS = (
    "My broker's export\n\nTrade Date,Time,Stock,Symbol,Action,Shares,Price,Status\n"
    "01/19/2026,10:00:00,Acme,ACME,Kauf,10,5.5,Filled\n01/19/2026,10:10:00,Acme,ACME,Verkauf,10,5.6,Filled\n"
    "01/19/2026,10:20:00,Acme,ACME,Kauf,10,5.4,Cancelled\n"
)
TRIPS = "Open time,Close time,Symbol,Direction,Entry price,Exit price\n2026-01-09 10:00,2026-01-09 10:10,A,long,1,2\n"


def write(folder: Path, text: str) -> Path:
    (folder / "mine.csv").write_text(text)
    return folder / "mine.csv"


def test_the_guesses_of_fills(tmp_path: Path) -> None:
    text = write_first_mapping(write(tmp_path, FILLS))
    lines = [line.split("  #")[0] for line in text.splitlines()]
    assert lines[2:9] == [
        "rows: executions",
        "columns:",
        "  ticker: Symbol",
        "  side: Action",
        "  quantity: Shares",
        "  price: Price",
        "  time: [Trade Date, Time]",
    ]
    assert "only: {Status: [Filled]}  # left out: Cancelled" in text
    assert "put in: Kauf, Verkauf" in text


def test_the_guesses_of_what_is_carried(tmp_path: Path) -> None:
    header, row = TRIPS.splitlines()
    text = f"{header},Qty,Commission,Stop loss,TP,Playbook,Tags,Account\n{row},5,1.5,0.9,3,ORB,late,U1\n"
    lines = write_first_mapping(write(tmp_path, text)).splitlines()
    assert [line.split("  #")[0].strip() for line in lines[10:17]] == [
        *("quantity: Qty", "account: Account", "fees: Commission", "stop: Stop loss", "target: TP"),
        *("setup: Playbook", "tags: Tags"),
    ]


@pytest.mark.parametrize("text", [FILLS.replace("Kauf", "Buy").replace("VerBuy", "Sell"), TRIPS])
def test_a_first_mapping_may_do_as_it_stands(tmp_path: Path, text: str) -> None:
    log = write(tmp_path, text.replace("Verkauf", "Sell"))
    done = CliRunner().invoke(main, ["gold", "map", str(log), "--out", str(tmp_path / "map.yaml")])
    assert done.exit_code == 0
    (file,) = import_files([log], LogOptions(mapping=tmp_path / "map.yaml"))
    assert len(file.trips) == 1


def test_columns_that_nobody_finds_are_asked_for(tmp_path: Path) -> None:
    text = write_first_mapping(write(tmp_path, "time,qty,price\n2026-01-09 10:00,5,1\n"))
    assert "  # ticker: ?  # no column seems to hold it" in text


def test_what_is_no_table_of_trades(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match="no line looks like the header of a table of trades"):
        write_first_mapping(write(tmp_path, "a,b\n1,2\n"))


def test_a_table_that_is_gold_already_needs_none(tmp_path: Path) -> None:
    log = write(tmp_path, "ticker,trade_type,entry_time,exit_time,entry_price,exit_price,setup,tags,fees\n")
    with pytest.raises(
        GoldError, match=r"is gold already.* needs no mapping\. Import it as it is: tradelogs gold import"
    ):
        write_first_mapping(log)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    log = write(tmp_path, TRIPS)
    done = CliRunner().invoke(main, ["gold", "map", str(log), "--out", str(log)])
    assert (done.exit_code, log.read_text()) == (2, TRIPS)
    assert CliRunner().invoke(main, ["gold", "map", str(log)]).output.startswith("# A first mapping of mine.csv")
