"""What a person sees of a second judgement: how old and new verdicts agree."""

from rich.table import Table

from refine_loop.agreement import Agreement, Kappa
from tradelogs.runs_display import print_table
from tradelogs.terminal import CleanConsole


def print_agreement(agreement: Agreement) -> None:
    """Print how each candidate ended then and now, and kappa of what could be compared."""
    console = CleanConsole()
    ended = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("then", "now", "candidates"):
        ended.add_column(name, justify="right" if name == "candidates" else "left")
    for old, new, count in agreement.table:
        ended.add_row(old, new, f"{count:,}")
    console.print()
    print_table(ended, console)
    kappas = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("agreement", "same", "kappa (1: always, 0: by chance)"):
        kappas.add_column(name)
    for kappa in agreement.kappas:
        kappas.add_row(kappa.name, f"{kappa.same:,} of {kappa.rows:,}", write_kappa(kappa))
    console.print()
    print_table(kappas, console)


def write_kappa(kappa: Kappa) -> str:
    """Write kappa with its interval."""
    if kappa.kappa is None or kappa.low is None or kappa.high is None:
        return "unknown: nothing varies"
    return f"{kappa.kappa:.2f} [{kappa.low:.2f}, {kappa.high:.2f}]"
