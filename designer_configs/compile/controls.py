"""Controls as a run uses them: the declared file, the profile's changes, and what the gold says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from columns.declared import GROUNDING
from designer_configs.compile.changes import name_control
from designer_configs.compile.profile import Profile, load_controls
from designer_configs.errors import Problem
from gold_data.buckets import SIGNIFICANT_DIGITS, bin_by_quantiles


@dataclass(frozen=True)
class Control:
    """A control with nothing left open: its native sampler column, its sentence, and how it matches and checks."""

    column: dict[str, Any]
    prompt: str
    match: dict[str, Any] | None
    check: dict[str, Any] | None

    @property
    def name(self) -> str:
        return str(self.column["name"])


def resolve_control(declared: Mapping[str, Any], train: pl.DataFrame) -> Control:
    """Fill a control's buckets from the gold's train part where it says so.

    Numbers become the medians of quantile bins, weighted by the bins' shares; categories their shares. The tolerances
    of a control whose buckets come from the gold shrink to half the usual distance between two buckets, so that a
    bucket is told from its neighbour whatever the trader's range is.
    """
    column, match, check = dict(declared["column"]), declared.get("match"), declared.get("check")
    if (source := declared.get("from_gold")) is not None:
        column["params"] = sample_from_gold(train[source["field"]], source)
        match, check = (narrow_tolerance(rule, column["params"]["values"]) for rule in (match, check))
    return Control(column, declared["prompt"], match, check)


def sample_from_gold(values: pl.Series, source: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Give the values and weights of a category sampler that draws like the gold column, or each value as often.

    `source` is a declared `from_gold`.
    """
    if values.dtype.is_numeric():
        buckets: dict[Any, int] = dict(bin_by_quantiles(values.to_numpy(), source.get("bins") or 1))
    else:
        text = values.dt.strftime("%Y-%m-%d") if values.dtype == pl.Date else values.cast(pl.String)
        buckets = dict(sorted(text.value_counts().rows()))
    if source.get("even"):
        buckets = dict.fromkeys(buckets, 1)
    total = sum(buckets.values())
    return {"values": list(buckets), "weights": [count / total for count in buckets.values()]}


def narrow_tolerance(rule: Mapping[str, Any] | None, buckets: list[Any]) -> dict[str, Any] | None:
    """Shrink a rule's tolerance to half the median distance between neighbouring buckets; `widest` shrinks with it."""
    if rule is None or rule.get("tolerance") is None or len(buckets) < 2:
        return dict(rule) if rule is not None else None
    half = float(f"{np.median(np.diff(sorted(buckets))) / 2:.{SIGNIFICANT_DIGITS}g}")
    scale = min(1.0, half / rule["tolerance"])
    return {key: value * scale if key in ("tolerance", "widest") else value for key, value in rule.items()}


def resolve_controls(profile: Profile, train: pl.DataFrame) -> list[Control]:
    """Resolve all controls of a profile."""
    return [resolve_control(declared, train) for declared in load_controls(profile)]


def find_missing_columns(profile: Profile, train: pl.DataFrame) -> list[Problem]:
    """Find controls that match, or take from the gold, a column which its rows do not have."""
    problems = []
    shown, needs = profile.dataset.grounding, profile.dataset.gold.get(profile.dataset.rows_key or "")
    if train.is_empty() and shown is not None and needs != "optional":
        message = f"the column {shown} shows gold rows, and there are none: name a file of them"
        problems.append(Problem(profile.file, None, "gold", message))
    for declared in load_controls(profile):
        rules = {key: declared.get(key) or {} for key in ("match", "from_gold")}
        fields = {key: rule["field"] for key, rule in rules.items() if "field" in rule}
        for key, field in fields.items():
            if field not in train.columns:
                has = f"its rows have {', '.join(train.columns)}" if train.columns else "it has no rows"
                message = f"{key} reads {field} of the gold, but {has}"
                problems.append(name_control(profile.file, profile.changes, declared["column"]["name"], message))
    return problems


def find_foreign_buckets(profile: Profile, train: pl.DataFrame) -> list[Problem]:
    """Find controls with buckets that the gold has no rows near, or cells of which it has none.

    A numeric bucket is foreign when it lies further outside the gold's range than the control's tolerance, a category
    when it is not in the gold at all.
    """
    if problems := find_missing_columns(profile, train):
        return problems
    controls = resolve_controls(profile, train)
    return [
        name_control(profile.file, profile.changes, control.name, message)
        for control in controls
        if control.match is not None and (message := _describe_foreign(control, train[control.match["field"]]))
    ] or _find_empty_cells(profile, controls, train)


def _find_empty_cells(profile: Profile, controls: list[Control], train: pl.DataFrame) -> list[Problem]:
    """Find combinations of controls' values that a column of exact examples could be asked for, and no gold row has."""
    exact = [c for c in profile.dataset.list_stage("plan") if c["column_type"] == GROUNDING and c.get("exact")]
    matched = [control for control in controls if control.match is not None and "tolerance" not in control.match]
    if not exact or not matched:
        return []
    fields = [str((control.match or {})["field"]) for control in matched]
    known = set(train.select(pl.col(fields).cast(pl.String)).unique().rows())
    empty = [cell for cell in list_cells(matched) if cell not in known]
    if not empty:
        return []
    shown = "; ".join(
        ", ".join(f"{c.name} {value}" for c, value in zip(matched, cell, strict=True)) for cell in empty[:5]
    )
    more = f"; and {len(empty) - 5} more" if len(empty) > 5 else ""
    names = ", ".join(control.name for control in matched)
    message = (
        f"no gold row has {shown}{more}: leave one of {names} out of the profile's controls, or draw only what there "
        "is, with a subcategory sampler for one of them or other values"
    )
    return [Problem(profile.file, None, "controls", message)]


def list_cells(controls: list[Control]) -> list[tuple[str, ...]]:
    """List the combinations of values that controls can draw together; a subcategory depends on its category."""
    cells: list[dict[str, str]] = [{}]
    for control in sorted(controls, key=lambda control: control.column["sampler_type"] == "subcategory"):
        params = control.column.get("params", {})
        parent = str(params.get("category", ""))
        cells = [
            {**cell, control.name: str(value)} for cell in cells for value in _list_values(params, cell.get(parent))
        ]
    return [tuple(cell[control.name] for control in controls) for cell in cells]


def _list_values(params: Mapping[str, Any], drawn: str | None) -> list[Any]:
    values = params.get("values", [])
    if isinstance(values, Mapping):  # of a subcategory, by the value of its category
        return list(values.get(drawn, [])) if drawn is not None else [v for part in values.values() for v in part]
    weights = params.get("weights") or [1.0] * len(values)
    return [value for value, weight in zip(values, weights, strict=True) if weight > 0]


def _describe_foreign(control: Control, gold: pl.Series) -> str | None:
    assert control.match is not None
    values, tolerance = control.column.get("params", {}).get("values"), control.match.get("tolerance")
    if values is None:
        return None
    if not gold.dtype.is_numeric():
        known = sorted(gold.cast(pl.String).unique().to_list())
        foreign = [value for value in values if str(value) not in known]
        return f"{foreign} not in the gold, which has {known}: take the values from_gold" if foreign else None
    low, high, reach = float(str(gold.min())), float(str(gold.max())), float(tolerance or 0.0) + 1e-9
    foreign = [value for value in values if not low - reach <= float(value) <= high + reach]
    if not foreign:
        return None
    return (
        f"the buckets {min(values)} to {max(values)} lie outside the gold's {control.match['field']}, "
        f"{low:g} to {high:g} (tolerance {tolerance:g}; outside: {', '.join(f'{v:g}' for v in foreign)}). "
        f"Take them from the gold: {{use: {control.name}, from_gold: {{bins: 9}}}}, or give other params"
    )
