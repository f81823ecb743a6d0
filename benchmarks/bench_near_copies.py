"""How fast and how lean near copies are found: `python -m benchmarks.bench_near_copies`.

Texts that share phrases, as reports of one kind do, are looked for among those before and added, in a process of their
own, whose peak memory is printed. Of the larger number all are added, and some are looked for among all.
"""

import resource
import subprocess
import sys
import time
from random import Random

import click

from columns.checks.near_copies import NearCopies

SECONDS_LIMIT, MEMORY_LIMIT = 15, 1024  # of `--texts`; MiB
PHRASES, WORDS, TAKEN = 60, 10, 9
ASKED = 1000  # of the larger number


def write_texts(count: int) -> list[str]:
    """Write texts of nine out of sixty phrases each, in an order drawn by chance."""
    rng = Random(5)  # noqa: S311 - texts, no keys
    letters = "abcdefghijklmnopqrstuvwxyz"
    phrases = [" ".join("".join(rng.choices(letters, k=6)) for _ in range(WORDS)) for _ in range(PHRASES)]
    return [" ".join(rng.sample(phrases, TAKEN)) for _ in range(count)]


def measure_self(count: int, asked: int) -> None:
    """Add texts and look for some; print CPU seconds of adding and of looking, and this process's peak memory in MiB.

    Where all are asked for, each is looked for among those before it, as a run does.
    """
    known, texts = NearCopies(0.6), write_texts(count)
    spent = {"add": 0.0, "find": 0.0}
    for number, text in enumerate(texts):
        begun = time.process_time()
        if asked == count:
            known.find(text)
        found = time.process_time()
        known.add(text, str(number))
        spent["find"] += found - begun
        spent["add"] += time.process_time() - found
    if asked < count:
        begun = time.process_time()
        for text in texts[:asked]:
            assert known.find(text) is not None
        spent["find"] = time.process_time() - begun
    print(spent["add"], spent["find"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def run_step(count: int, asked: int) -> tuple[float, float, float]:
    """Do one step in a child process; gives CPU seconds of adding and looking, and its peak memory."""
    command = [sys.executable, "-m", "benchmarks.bench_near_copies", "--step", str(count), str(asked)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    add, find, peak = map(float, done.stdout.split())
    return add, find, peak


@click.command()
@click.option("--texts", default=10_000, show_default=True, help="Each looked for among those before it.")
@click.option("--most", default=100_000, show_default=True, help=f"Added; {ASKED:,} are looked for among all.")
@click.option("--step", nargs=2, type=int, hidden=True)
def main(texts: int, most: int, step: tuple[int, int] | None) -> None:
    """Print the seconds and the peak memory of finding near copies."""
    if step:
        measure_self(*step)
        return
    add, find, peak = run_step(texts, texts)
    print(
        f"near copies: {texts:,} texts in {add + find:.1f} CPU s (limit {SECONDS_LIMIT}); peak memory {peak:,.0f} MiB "
        f"(limit {MEMORY_LIMIT:,})"
    )
    add, find, peak = run_step(most, ASKED)
    print(
        f"among {most:,} texts: {1000 * find / ASKED:.1f} CPU ms a text looked for, {1000 * add / most:.2f} a text "
        f"added; peak memory {peak:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
