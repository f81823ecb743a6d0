"""What described strategies need beyond their YAML: strategies drawn, executed, held against texts and answers."""

import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from columns.checks.near_copies import NearCopies
from columns.dataset import Dataset as DatasetBase
from columns.dataset import Finished, FinishRequest, Given, PlanRow
from columns.declared import FAMILY
from columns.rendering import fence_json, read_fence
from columns.strategy.human_texts import read_human_texts
from gold_data.source import GoldSource
from gold_data.store import Gold, GoldFolder
from gold_data.violation import Violation
from indicators.strategy.bar_suite import LEFT_OUT, load_suite
from indicators.strategy.canonical import hash_strategy, write_text
from indicators.strategy.cards import CONDITION_NAMES, build_cards
from indicators.strategy.equality import check_alone, check_answer, is_question, write_question
from indicators.strategy.errors import Problem
from indicators.strategy.grammar import check_text as check_strategy
from indicators.strategy.grammar import read_strategy
from indicators.strategy.liveliness import check_liveliness, draw_lively, find_home, know_liveliness
from indicators.strategy.result import run_strategy
from indicators.strategy.retrieval import describe_series, find_cards, find_nearest, split_clauses
from indicators.strategy.said import check_said, list_withholdable, withhold
from indicators.strategy.sampler import Controls
from indicators.strategy.shape import parse_text
from indicators.strategy.splits import choose_split, hash_shape
from indicators.strategy.tree import Document, iter_series

STOPS = {"percent": ("stop_loss",), "atr": ("atr_stop",), "no stop": ()}
OTHER_EXITS = {  # by control: the value that asks for an exit, and its key
    "target": ("target", "take_profit"),
    "trailing": ("trailing stop", "trailing"),
    "session_hours": ("session", "session"),
    "time_exit": ("time exit", "exit_after_bars"),
}
WITHHOLDS = "one value withheld"
BEHAVIOUR = "behaviour"  # the profile's key of behaviour cells and their shares
ASKED = "asked"  # origin of a description that a person wrote: there is no strategy to hold the parser's against


class Dataset(DatasetBase):
    """Described strategies: a row is the strategy's text, its description goes with it."""

    def read_gold(self, source: GoldSource) -> Gold:
        """Read people's texts, where there are any, and tell the draw of strategies which behaviour is wanted.

        Raises:
            GoldError: the texts cannot be used.
        """
        rows, notes = read_human_texts(source.files.get("texts"))
        told = {BEHAVIOUR: source.options[BEHAVIOUR]}
        return Gold(rows, notes=notes, describe=lambda _: told)

    def identify(self, row: Any) -> bytes:
        """Give what twins have in common: what they trade on the suite; of no strategy, its text."""
        text = str(row)
        return text.encode() if check_strategy(text) else know_liveliness(text).behaviour.encode()

    def name_copy(self, row: Any, known: str) -> Violation:  # noqa: ARG002 - a hook
        """Name the row whose strategy trades the same: the rule `twin`, which no other text mends."""
        limit = "trades on the bar suite what no other row's strategy does"
        return Violation("twin", (), limit, f"twin of {known}", f"trades what that of {known} trades", mend=False)

    def finish(self, accepted: pl.DataFrame, gold: GoldFolder, request: FinishRequest) -> Finished:  # noqa: ARG002
        """Execute accepted strategies on their home bars: what came of it, the right answer, the split; all trades."""
        drawn = request.plan["ambiguity"].to_list() if "ambiguity" in request.plan.columns else [None] * accepted.height
        variations = request.plan["variation"].to_list() if accepted.height else []
        facts, trades = [], []
        for row_id, text, asked, variation in zip(
            accepted["row_id"], accepted["strategy"], drawn, variations, strict=bool(accepted.height)
        ):
            document = read_strategy(text)
            withheld = choose_withheld(document, {"ambiguity": asked, "variation": variation})
            fact, own = _tell(document, withheld, request)
            facts.append(fact)
            trades += [{"row_id": row_id, **trade} for trade in own]
        told = pl.DataFrame(facts, schema=FACTS)
        texts = [pl.Series(name, list(map(_load_text, accepted[name])), dtype=pl.String) for name in KEPT_TEXTS]
        file = request.folder / f"trades-{request.number:06d}.parquet"
        pl.DataFrame(trades, schema=TRADES).write_parquet(file)
        return Finished(pl.concat([accepted.with_columns(texts), told], how="horizontal"), {"trades": file})


KEPT_TEXTS = ("description", "parsed")  # which the ledger keeps as JSON
FACTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "answer": pl.String,
    "withheld": pl.List(pl.String),
    "home_bars": pl.String,
    "behaviour_cell": pl.String,
    "trades": pl.Int64,
    "buy_bars": pl.Int64,
    "sell_bars": pl.Int64,
    "net_percent": pl.Float64,
    "canonical_hash": pl.String,
    "behaviour_hash": pl.String,
    "shape_hash": pl.String,
    "split": pl.String,
}
TRADES: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_id": pl.String,
    "entry_bar": pl.Int64,
    "exit_bar": pl.Int64,
    "side": pl.Int64,
    "entry_price": pl.Float64,
    "exit_price": pl.Float64,
    "reason": pl.String,
    "net_percent": pl.Float64,
}


def _load_text(kept: str | None) -> str | None:
    return None if kept is None else str(json.loads(kept))


def _tell(
    document: Document, withheld: Sequence[str], request: FinishRequest
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Tell what accepted rows say of a strategy, and its trades on its home bars."""
    home, text = find_home(document, load_suite()), write_text(document)
    undated = {key: value for key, value in document.items() if key not in LEFT_OUT}
    result = run_strategy(undated, home.at(document.get("interval", "1d")))
    known, shape = know_liveliness(text), hash_shape(document)
    shares = (float(request.options["test_share"]), float(request.options["compositional_share"]))
    told = {
        "answer": write_question(withheld) if withheld else text,
        "withheld": list(withheld),
        "home_bars": home.name,
        "behaviour_cell": known.cell,
        "trades": len(result.trades),
        "buy_bars": result.buy_bars,
        "sell_bars": result.sell_bars,
        "net_percent": result.account.net_percent,
        "canonical_hash": hash_strategy(document),
        "behaviour_hash": known.behaviour,
        "shape_hash": shape,
        "split": choose_split(known.behaviour, shape, *shares),
    }
    booked = zip(result.trades, result.account.bookings, strict=True)
    return told, [
        {name: value for name, value in trade._asdict().items() if name in TRADES}
        | {"net_percent": booking.net_percent}
        for trade, booking in booked
    ]


def read_controls(row: PlanRow) -> Controls:
    """Read what the drawn controls of a plan's row ask of its strategy; what a profile leaves out is drawn freely."""
    exits: tuple[str, ...] | None = None
    if "stop" in row:
        names = [key for name, (value, key) in OTHER_EXITS.items() if row.get(name) == value]
        exits = (*STOPS[row["stop"]], *names)
    return Controls(
        leaves=int(row["leaves"]) if "leaves" in row else None,
        depth=int(row["depth"]) if "depth" in row else None,
        kind=row.get("condition_kind"),
        exits=exits,
        size=row.get("sizing"),
        position_type=row.get("position_type"),
        interval=row.get("timeframe"),
        longer=row["second_timeframe"] == "second timeframe" if "second_timeframe" in row else None,
    )


def draw_strategies(rows: Sequence[PlanRow], given: Given) -> list[str]:
    """Draw a lively strategy for every row of a plan, or for every family of rows; no two of them trade the same.

    Of some that have what the controls ask the one is taken whose behaviour cell is the emptiest for its share.
    """
    known, drawn, had, shares = set[str](), dict[str, str](), Counter[str](), given.gold.facts[BEHAVIOUR]
    rank = (lambda cell: had[cell] / shares[cell] if shares.get(cell) else math.inf) if shares else None
    names = [str(row.get(FAMILY, place)) for place, row in enumerate(rows)]
    for name, row in zip(names, rows, strict=True):
        if name not in drawn:
            rng = random.Random(f"{given.seed}:{row['variation']}")  # noqa: S311 - repeatability, not secrecy
            drawn[name] = draw_lively(rng, read_controls(row), known.__contains__, rank)
            known.add(know_liveliness(drawn[name]).behaviour)
        had[know_liveliness(drawn[name]).cell or ""] += 1
    return [fence_json(json.loads(drawn[name])) for name in names]


def choose_strategy(row: PlanRow, _: Given) -> dict[str, Any]:
    """Choose the drawn strategy, or the proposed one as the model wrote it, and show it as a writer may see it."""
    if row.get("origin") != "model":
        return _show(write_text(read_fence(row["drawn_strategy"])), row)
    proposed = row["proposed_strategy"]
    return _show(proposed if isinstance(proposed, str) else json.dumps(proposed), row)


def keep_strategy(row: PlanRow, _: Given) -> dict[str, Any]:
    """Show the strategy of a refinement's row again."""
    before = row["prev_strategy"]
    return _show(before if isinstance(before, str) else write_text(before), row)


def _show(text: str, row: PlanRow) -> dict[str, Any]:
    document, problems = parse_text(text)
    if problems or document is None or check_strategy(text):
        return {"strategy": text, "shown": text, "withheld": fence_json([]), "names": ""}
    withheld = choose_withheld(document, row)
    names = dict.fromkeys(next(iter(each)) for _, each in iter_series(document) if isinstance(each, dict))
    return {
        "strategy": write_text(document),
        "shown": fence_json(withhold(document, withheld)),
        "withheld": fence_json([{"path": path} for path in withheld]),
        "names": "".join(build_cards()[name] for name in names),
    }


def choose_withheld(document: Document, row: PlanRow) -> list[str]:
    """Choose the value that an ambiguous row withholds, by its variation; none where nothing needed could be."""
    if row.get("ambiguity") != WITHHOLDS or not (choices := list_withholdable(document)):
        return []
    digest = hashlib.sha256(str(int(row["variation"])).encode()).digest()
    return [choices[int.from_bytes(digest[:4]) % len(choices)]]


def _read_withheld(row: PlanRow) -> list[str]:
    listed = json.loads(row["strategy__withheld"].removeprefix("```json\n").removesuffix("\n```"))
    return [each["path"] for each in listed]


def _report(problems: Sequence[Problem], *, mend: bool, prefix: str = "") -> list[Violation]:
    return [
        Violation(
            prefix + each.rule.replace("-", "_"), (), each.path, each.message, f"{each.path}: {each.message}", mend=mend
        )
        for each in problems
    ]


def check_execution(text: str, plan: PlanRow, _: Given) -> list[Violation]:
    """List what is wrong with a strategy itself, which no other words mend; nothing of it is repaired."""
    problems = list(check_liveliness(text))
    if not problems and plan.get("origin") == "model":
        problems = list(_list_disobedience(read_strategy(text), read_controls(plan)))
    return _report(problems, mend=False)


def _list_disobedience(document: Document, controls: Controls) -> Iterator[Problem]:
    """List where a proposed strategy is not what the controls ask for."""
    asked = {"position_type": controls.position_type, "interval": controls.interval}
    for key, value in asked.items():
        found = document.get(key, "1d")
        if value is not None and found != value:
            yield Problem(f"$.{key}", "control", f"must be {value}; found {found}")
    exits = {"stop_loss", "atr_stop", "take_profit", "trailing", "session", "exit_after_bars"} & document.keys()
    if controls.exits is not None and exits != set(controls.exits):
        wanted, found = (", ".join(sorted(names)) or "none" for names in (controls.exits, exits))
        yield Problem("$", "control", f"must have the exits {wanted}; found {found}")


def check_text(_: str, plan: PlanRow, given: Given) -> list[Violation]:
    """List what a description leaves out of its strategy, or adds to it; it may repeat no text that a person wrote."""
    text, withheld = str(plan["description"]), _read_withheld(plan)
    problems = list(check_said(text, read_strategy(plan["strategy"]), withheld))
    if (near := _open_texts(given).find(text)) is not None:
        problems.append(Problem("$", "copied", f"it repeats the example {near.name}, similarity {near.similarity:.2f}"))
    return _report(problems, mend=True)


def _open_texts(given: Given) -> NearCopies:
    """Open the texts that people wrote, those that are held out too: no row may be one of them."""
    if "texts" not in given.kept:
        copies = given.dataset.declared.copies
        assert copies is not None, "dataset.yaml says it"
        texts = given.kept["texts"] = NearCopies(copies.nearer_than)
        for name, text in pl.concat([given.gold.train, given.gold.holdout]).iter_rows():
            texts.add(text, name)
    kept = given.kept["texts"]
    assert isinstance(kept, NearCopies)
    return kept


def show_cards(row: PlanRow, _: Given) -> str:
    """Show the cards that the retrieval finds for a description."""
    return _show_all(find_cards(str(row["description"])))


def _show_all(names: Sequence[str]) -> str:
    cards = build_cards()
    return "\n".join(cards[name] for name in names)


def list_texts(row: PlanRow, _: Given) -> dict[str, str]:
    """List what is embedded: the clauses of a description, and what all series are called."""
    return {
        "clauses": _write_texts(split_clauses(str(row["description"]))),
        "cards": _write_texts(list(describe_series().values())),
    }


def _write_texts(texts: Sequence[str]) -> str:
    """Write texts for an embedding column, which takes a last comma: stock 0.9.6 fails on a list that is plain JSON."""
    return f"{json.dumps(texts)[:-1]},]"


def show_near_cards(row: PlanRow, _: Given) -> str:
    """Show the cards that are nearest to a description by their vectors, and those of all conditions."""
    clauses, cards = (row[name]["embeddings"] for name in ("clause_vectors", "card_vectors"))
    return _show_all([*CONDITION_NAMES, *find_nearest(clauses, cards)])


def check_round_trip(text: str, plan: PlanRow, _: Given) -> list[Violation]:
    """List how the parser's answer differs from the strategy: rules named `parser_`, for the text has said all.

    That a rule of `check_text` is broken is the text's fault. Either way the description is mended first.
    """
    parsed: Any = plan["parsed"]
    answer = parsed if isinstance(parsed, str) else json.dumps(parsed)
    if plan.get("origin") == ASKED:
        return _report(check_alone(answer), mend=False, prefix="parser_")
    problems = check_answer(answer, read_strategy(text), _read_withheld(plan), load_suite())
    return _report(problems, mend=True, prefix="parser_")


def plan_question(question: str, _: Given) -> dict[str, Any]:
    """Turn a person's description into a row: nothing is drawn and no text is written, the parser alone is asked."""
    passed = {"passed": True}
    return {
        "origin": ASKED,
        "ambiguity": "",
        "drawn_strategy": "",
        "examples": "",
        "examples__ids": [],
        "proposed_strategy": "",
        "strategy": question,
        "strategy__shown": "It is what was read from the description, below.",
        "strategy__withheld": fence_json([]),
        "strategy__names": "",
        "execution": passed,
        "description": question,
        "text_checks": passed,
    }


def write_reply(row: PlanRow, _: Given) -> str:
    """Write what a person is told: the strategy that was read and what it traded on its home bars, or a question."""
    parsed: Any = row["parsed"]
    answer = parsed if isinstance(parsed, str) else json.dumps(parsed)
    document, problems = parse_text(answer)
    if problems or document is None or check_alone(answer) or is_question(document):
        return answer
    home = find_home(document, load_suite())
    undated = {key: value for key, value in document.items() if key not in LEFT_OUT}
    result = run_strategy(undated, home.at(document.get("interval", "1d")))
    told = {"home_bars": home.name, "trades": len(result.trades), "net_percent": round(result.account.net_percent, 4)}
    return json.dumps({"strategy": json.loads(write_text(document)), **told})
