"""`tradelogs judge`: how far a profile's judge can be trusted."""

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tradelogs.exits import BAD_INPUT, DONE, explain_errors
from tradelogs.offline import OFFLINE, open_endpoint
from tradelogs.options import file_option, profile_option

if TYPE_CHECKING:
    from rich.table import Table

    from designer_configs.compile.profile import Profile
    from gold_data.store import GoldFolder
    from verification.answers import Answer
    from verification.judge.job import JudgedRow, JudgePlan

MISSING = "missing "  # how the faults that leave a field out are named; the table has them in one line

SECTION = "Judge and compare"


@click.group("judge")
def command() -> None:
    """The judge: find out how far it can be trusted before it gates anything."""


@command.command()
@click.argument("profile", type=profile_option, required=False)
@click.option("--rows", default=8, show_default=True, type=click.IntRange(1), help="Gold rows per kind of fault.")
@click.option("--all", "judges_all", is_flag=True, help="Judge those too that the checks refuse.")
@click.option("--estimate", is_flag=True, help="Say what it would take, and send nothing.")
@click.option("--seed", type=click.IntRange(min=0), help="Draws other rows; by default the profile's.")
@click.option("--gold", type=file_option, help="Folder that `tradelogs gold import` wrote.")
@click.option("--gold-rows", "--gold-trades", "gold_rows", type=file_option, help="Your rows.")
@click.option("--run", "run_folder", type=file_option, help="A run: its profile and gold; its report.")
@click.option("--out", type=file_option, help="Folder to write; by default runs/judge-PROFILE-TIME.")
@click.option("--reviews", is_flag=True, help="With --run: hold its judge against people's reviews instead.")
@click.option("--verbose", is_flag=True, help="Show Data Designer's own log.")
@explain_errors
def calibrate(
    profile: str | None,
    *,
    rows: int,
    judges_all: bool,
    estimate: bool,
    run_folder: Path | None,
    out: Path | None,
    reviews: bool,
    verbose: bool,
    **overrides: Any,
) -> int:
    """Plant faults in gold trades, have PROFILE's judge judge them, and say what it catches and what it refuses.

    \b
    Examples:
      tradelogs judge calibrate offline
      tradelogs judge calibrate nim_dev --rows 6 --gold gold/
      tradelogs judge calibrate --run runs/nim_dev-20260102T030405Z
    """
    if run_folder is not None and (profile or out or overrides["gold"] or overrides["gold_rows"]):
        click.echo("error: --run takes profile and gold from the run and writes into it: give no other", err=True)
        return BAD_INPUT
    if reviews:
        from tradelogs.commands.review import tell_reviews

        if run_folder is None:
            click.echo("error: --reviews needs the run that was reviewed: name it with --run", err=True)
            return BAD_INPUT
        return tell_reviews(run_folder)
    with tempfile.TemporaryDirectory(prefix="tradelogs-judge-") as temporary:
        work = Path(temporary)
        if run_folder is not None:
            loaded, gold = _load_run(run_folder, overrides["seed"])
        else:
            loaded, gold = _load_gold(profile or "offline", overrides, work / "gold")
        plan = _plan(loaded, gold, rows, judges_all=judges_all)
        if estimate:
            _say_plan(plan)
            for line in describe_requests(plan):
                click.echo(line)
            return DONE
        with _make_folder(run_folder or out or _name_folder(loaded)) as folder:
            answer, path = _calibrate(plan, gold, work, folder, verbose=verbose)
    _print_answer(answer, path)
    return DONE


def _load_gold(name: str, overrides: Mapping[str, Any], folder: Path) -> "tuple[Profile, GoldFolder]":
    from designer_configs.compile.profile import load_profile
    from gold_data.store import write_gold
    from refine_loop.run import read_checked_gold

    loaded = load_profile(name, overrides)
    gold = read_checked_gold(loaded)
    return loaded, write_gold(gold, folder, loaded.gold.holdout, loaded.gold.embargo)


def _load_run(folder: Path, seed: int | None) -> "tuple[Profile, GoldFolder]":
    from designer_configs.compile.check import check_environment
    from designer_configs.compile.profile import load_profile
    from designer_configs.errors import ConfigError
    from gold_data.store import load_gold
    from refine_loop.run import load_run_profile

    load_run_profile(folder)  # says what is wrong with a folder that holds no run
    loaded = load_profile(str(folder / "profile.yaml"), {"seed": seed})
    if problems := check_environment(loaded):
        raise ConfigError(problems)
    named = replace(loaded, name=folder.resolve().name)  # every run's profile lies in a file of the same name
    return named, load_gold(folder / "gold")


def _plan(profile: "Profile", gold: "GoldFolder", rows: int, *, judges_all: bool) -> "JudgePlan":
    from designer_configs.compile.native import compile_profile
    from refine_loop.errors import RunInputError
    from verification.judge.job import plan_calibration

    if profile.backend.name != "library":
        raise RunInputError(
            f"{profile.file}: a calibration plants its rows by a column that no service can run. "
            "Use a profile with `backend: library` and the same judge"
        )
    return plan_calibration(
        profile, compile_profile(profile, gold), gold, rows, profile.run.seed, judges_all=judges_all
    )


def _name_folder(profile: "Profile") -> Path:
    from refine_loop.run import name_run_folder

    named = name_run_folder(profile, Path.cwd() / "runs")
    return named.with_name(f"judge-{named.name}")


@contextlib.contextmanager
def _make_folder(folder: Path) -> Iterator[Path]:
    """Make the folder before anything is sent; one that was made in vain is not left behind."""
    from refine_loop.errors import RunInputError

    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise RunInputError(f"{folder} cannot be made ({exc.strerror}): name another with --out") from exc
    try:
        yield folder
    except BaseException:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()
        raise


def _calibrate(
    plan: "JudgePlan", gold: "GoldFolder", work: Path, folder: Path, *, verbose: bool
) -> "tuple[Answer, Path]":
    from verification.judge.calibration import ask_judge, collect_calibration, write_calibration

    _say_plan(plan)
    with open_endpoint(plan.profile) as endpoint:
        rows = _ask_judge(plan, gold, endpoint, work, verbose=verbose)
    calibration = collect_calibration(plan, rows, is_offline=plan.profile.provider.name == OFFLINE)
    answer = ask_judge(calibration)
    return answer, write_calibration(calibration, answer, folder)


def _ask_judge(
    plan: "JudgePlan", gold: "GoldFolder", endpoint: str | None, work: Path, *, verbose: bool
) -> "list[JudgedRow]":
    from jobs.disguise import disguise_jobs
    from jobs.library.backend import LibraryBackend
    from jobs.library.log import log_library_to
    from verification.judge.job import judge_rows

    with (
        log_library_to(work / "data_designer.log", verbose=verbose),
        _show_progress(plan.requests, live=not verbose) as tell,
    ):
        backend = LibraryBackend(plan.profile, endpoint, work / "artifacts")
        return judge_rows(plan, disguise_jobs(backend, plan.profile, gold, endpoint), work, tell)


def _say_plan(plan: "JudgePlan") -> None:
    from verification.judge.job import TRIES

    untouched = sum(row.fault is None for row in plan.rows)
    kinds = len({row.fault for row in plan.rows} - {None})
    left = len(plan.rows) - len(plan.judged)
    others = [str(column["model_alias"]) for column in plan.models_asked[:-1]]
    more = f" at most, those to {' and '.join(others)} too" if others else ""
    click.echo(f"judge: {plan.judge} at {plan.profile.provider.name}")
    click.echo(
        f"{len(plan.rows)} rows: {kinds} kinds of fault planted in gold, {untouched} untouched. "
        f"{TRIES} tries each: {plan.requests:,} requests{more}"
    )
    if left:
        click.echo(f"{left} of them the checks refuse: they are not judged, as in a run (--all judges them, too)")
    if plan.controls_left_out:
        untold = f"left out, as no field of a gold {plan.dataset.noun} tells their value"
        click.echo(f"{untold}: {', '.join(plan.controls_left_out)}")


def describe_requests(plan: "JudgePlan") -> list[str]:
    """Say what a calibration would take, low and high, from prompts of the profile's own models."""
    from refine_loop.estimate import HIGH, LOW, measure_requests
    from verification.judge.job import TRIES

    measured, each = measure_requests(plan.profile), len(plan.judged) * TRIES
    lines = ["estimate, nothing was sent"]
    for name, assumed in (("low", LOW), ("high", HIGH)):
        requests, sums, cost = 0.0, [0.0, 0.0], 0.0
        for role in (str(column["model_alias"]) for column in plan.models_asked):
            model = plan.profile.models[role]
            prompt, answer = (lengths["generate", role] for lengths in (measured.prompts, measured.answers))
            asked, usual = each * (1 + assumed.corrected), answer / assumed.characters_per_token
            most = usual if assumed is LOW else float(model.inference_parameters.get("max_tokens", usual))
            tokens = asked * prompt / assumed.characters_per_token, asked * most
            price = plan.profile.prices.price(model.model, *map(round, tokens))
            cost = math.nan if price is None else cost + price
            requests, sums = requests + asked, [before + more for before, more in zip(sums, tokens, strict=True)]
        money = "no prices" if math.isnan(cost) else f"{cost:,.2f} {plan.profile.prices.currency}"
        lines.append(f"{name:<5}{requests:>8,.0f} requests, {sums[0]:,.0f} tokens in, {sums[1]:,.0f} out, {money}")
    return lines


@contextlib.contextmanager
def _show_progress(total: int, *, live: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar in a terminal, and nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from tradelogs.terminal import CleanConsole

    console = CleanConsole()
    columns = [TextColumn("asking the judge"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=console, disable=not (live and console.is_terminal)) as progress:
        task = progress.add_task("", total=total)
        yield lambda answered: progress.update(task, completed=answered)


def _print_answer(answer: "Answer", path: Path) -> None:
    from files.shown_text import show_path
    from tradelogs.terminal import CleanConsole

    console = CleanConsole()
    metrics = answer.metrics
    console.print()
    console.print(tabulate_faults(metrics["faults"]))
    console.print()
    console.print(tabulate_criteria(metrics["criteria"]))
    console.print()
    for line in describe_answer(answer):
        console.print(line, soft_wrap=True)
    console.print(f"written: {show_path(path)}", soft_wrap=True)


def tabulate_faults(faults: list[dict[str, Any]]) -> "Table":
    """Lay out what was caught of every kind; the missing fields are one line."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("planted", "hurts", "rows", "checks", "judge", "missed"):
        table.add_column(heading, justify="left" if heading in ("planted", "hurts") else "right", no_wrap=True)
    counted = ("rows", "caught_by_checks", "caught_by_judge", "missed")
    fields = [fault for fault in faults if fault["name"].startswith(MISSING)]
    summed = {
        "name": f"missing field ({len(fields)} kinds)",
        "criterion": fields[0]["criterion"] if fields else None,
        **{key: sum(fault[key] for fault in fields) for key in (*counted, "judged")},
    }
    untouched, *rest = [fault for fault in faults if fault not in fields]
    for fault in (untouched, *([summed] if fields else []), *rest):
        numbers = [str(fault[key]) if fault["rows"] else "-" for key in counted]
        if not fault["judged"]:
            numbers[2] = "-"
        if fault is untouched:
            numbers[-1] = "-"
        table.add_row(fault["name"], fault["criterion"] or "-", *numbers)
    return table


def tabulate_criteria(criteria: list[dict[str, Any]]) -> "Table":
    """Lay out the rates of every criterion, each with its 95% interval."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("criterion", "catches", "false rejects", "kappa", "same x3", "range"):
        table.add_column(heading, justify="left" if heading == "criterion" else "right", no_wrap=True)
    for each in criteria:
        table.add_row(
            each["name"],
            _show_interval(each["catch"], percent=True),
            _show_interval(each["false_reject"], percent=True),
            _show_interval(each["kappa"], percent=False),
            "-" if each["same_score"] is None else f"{each['same_score']:.0%}",
            "-" if each["mean_range"] is None else f"{each['mean_range']:.2f}",
        )
    return table


def _show_interval(interval: Mapping[str, float | None], *, percent: bool) -> str:
    value, low, high = (interval[name] for name in ("value", "low", "high"))
    if value is None:
        return "-"
    scale, form = (100.0, ".0f") if percent else (1.0, ".2f")
    sign = "%" if percent else ""
    if low is None or high is None:
        return f"{value * scale:{form}}{sign}"
    return f"{value * scale:{form}}{sign} [{low * scale:{form}}, {high * scale:{form}}]"


def describe_answer(answer: "Answer") -> list[str]:
    """Say the verdict, its numbers and what a person should know beyond them."""
    metrics = answer.metrics
    lines = [f"{label}: {text}" for label, text in answer.numbers]
    if metrics["same_decision"] is not None:
        lines.append(f"same decision in all {metrics['tries']} tries: {metrics['same_decision']:.0%} of rows")
    if metrics["tries_without_answer"]:
        asked = metrics["rows_judged"] * metrics["tries"]
        lines.append(f"no usable answer: {metrics['tries_without_answer']} of {asked} requests")
    return [*lines, f"verdict: {answer.verdict}. {answer.reason}"]
