"""The edge at which jobs are disguised: what goes into one is hidden, and what comes back is put back.

A job without a model draws from the gold as it is. One that asks models is given its rows under the disguise, and
what the plan had written for prompts is written anew from the disguised gold; so the checks of the job, the judge and
the corrections speak of the disguised row. Texts of models and checks come back as they were said.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl

from columns.dataset import load_dataset
from columns.declared import GROUNDING
from columns.disguise import FOLDER, SAME, Disguise, open_disguise
from columns.rendering import FENCE, fence_json, load_fence
from columns.rows import read_row
from designer_configs.compile.native import CompiledProfile, add_seed, compile_profile
from designer_configs.compile.profile import Profile
from files.whole_file import write_whole
from gold_data.store import GoldFolder
from jobs.job import Job, JobInterrupted, JobResult, PlacedBackend, Watch
from offline_model.launch import tell_disguise

OFFLINE = "offline"  # the provider whose model the run starts itself
EDITS = "{row}__edits"
DRAWN = ("sampler", GROUNDING)  # columns of a plan that are carried over: values, and rows in a fence


def disguise_jobs(backend: PlacedBackend, profile: Profile, gold: GoldFolder, endpoint: str | None) -> PlacedBackend:
    """Disguise the jobs of a backend, where the profile asks for it.

    The offline model at `endpoint` is told of it, so that it answers what it would have answered without.
    """
    if not profile.gold.disguise:
        return backend
    disguised = DisguisedBackend(backend, profile, gold)
    if profile.provider.name == OFFLINE:
        tell_disguise(endpoint, json.dumps(asdict(disguised.disguise)))
    return disguised


class DisguisedBackend:
    """A backend whose models are shown a disguise, which lies beside the gold."""

    def __init__(self, backend: PlacedBackend, profile: Profile, gold: GoldFolder) -> None:
        fields = profile.dataset.disguise
        assert fields is not None, "a profile's check has seen to it"
        self._inner, self._profile, self.place = backend, profile, backend.place
        self._dataset = load_dataset(profile.dataset.folder)
        self._folder = gold.folder.parent / FOLDER
        self.disguise, self._shown = open_disguise(gold, self._folder, fields, profile.run.seed, self._dataset)

    def __getattr__(self, name: str) -> Any:
        """Give whatever else a backend has, such as the forms in which its models answer."""
        return getattr(self._inner, name)

    def check_models(self, config: dict[str, Any]) -> None:
        """Ask every model for one short answer; nothing of the gold is in it."""
        self._inner.check_models(config)

    def run(self, job: Job) -> JobResult:
        """Run a job under the disguise, if it asks models.

        Raises:
            BackendError, JobInterrupted: as the backend does; the rows of the latter are put back, too.
        """
        if not job.config.get("model_configs"):
            return self._inner.run(job)
        try:
            result = self._inner.run(replace(job, config=self._hide_job(job), watch=self._show_put_back(job.watch)))
        except JobInterrupted as stopped:
            raise JobInterrupted([self._put_back(row) for row in stopped.rows]) from stopped
        return JobResult([self._put_back(row) for row in result.rows], result.lost)

    def _show_put_back(self, watch: Watch | None) -> Watch | None:
        return None if watch is None else lambda row: watch(self._put_back(row))

    @functools.cached_property
    def _compiled(self) -> CompiledProfile:
        return compile_profile(self._profile, self._shown)

    def _hide_job(self, job: Job) -> dict[str, Any]:
        """Give a job its rows under the disguise, the disguised gold, and the plan's texts to write anew."""
        source = Path(job.config["seed_config"]["source"]["path"])
        seeds = pl.read_parquet(source, glob=False)
        written = [c for c in self._compiled.plan["columns"] if c["column_type"] not in DRAWN]
        anew = [column for column in written if column["name"] in seeds.columns]
        gone = [name for column in anew for name in seeds.columns if name.partition("__")[0] == column["name"]]
        rows = [{k: self._hide(k, v) for k, v in row.items()} for row in seeds.drop(gone).to_dicts()]
        path = self._folder / f"{job.name}-{source.name}"
        with write_whole(path) as partial:
            pl.DataFrame(rows, infer_schema_length=None).write_parquet(partial)
        gold = str(self._shown.folder.resolve())
        columns = [c | {"gold": gold} if "gold" in c else c for c in (*anew, *job.config["columns"])]
        config = {key: value for key, value in job.config.items() if key != "seed_config"}
        return add_seed({**config, "columns": columns}, path.resolve())

    @functools.cached_property
    def _fields(self) -> Mapping[str, set[str]]:
        """Fields that columns of the plan are about: those that controls ask for, by the control's column."""
        rules = {c.name: (c.match or {}, c.check or {}) for c in self._compiled.controls}
        return {name: {name, *(str(rule["field"]) for rule in asked if rule)} for name, asked in rules.items()}

    def _hide(self, name: str, value: Any) -> Any:
        """Hide what a column of a job's row holds: a control's ticker, a date, or rows as they are carried."""
        disguise, dataset = self.disguise, self._profile.dataset
        fields = self._fields.get(name, {name})
        if disguise.fields.ticker in fields:
            return disguise.codes.get(value, value)
        if fields & {*disguise.fields.dates}:
            return disguise.shift(value, disguise.weeks)
        return _hide_carried(value, disguise, is_row=name in (dataset.row, dataset.refined_row))

    def _put_back(self, row: dict[str, Any]) -> dict[str, Any]:
        """Put back the row that a job's row brings, and the patch that led to it."""
        name = self._profile.dataset.row
        shown = read_row(row.get(name), self._profile.dataset.schema)
        if not isinstance(shown, Mapping):
            return row
        edits = EDITS.format(row=name)
        back = {name: json.dumps(self._put_back_row(shown))}
        if edits in row:
            back[edits] = json.dumps([self._put_back_edit(edit, shown) for edit in json.loads(row[edits])])
        return row | back

    def _put_back_row(self, shown: Mapping[str, Any]) -> Mapping[str, Any]:
        exact, ticker = self.disguise.find_row(shown)
        if ticker is None:
            return exact
        stepped = self.disguise.put_on_steps(exact, ticker)
        prices = [name for name in self.disguise.fields.prices if stepped.get(name) != exact.get(name)]
        if all(abs(stepped[name] - exact[name]) <= SAME * abs(exact[name]) for name in prices):
            return stepped
        return self._dataset.fit_to_steps(stepped, exact, self.disguise.steps[ticker])

    def _put_back_edit(self, edit: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
        name = str(edit["path"]).lstrip("/")
        if "value" not in edit:
            return dict(edit)
        return {**edit, "value": self._put_back_row({**shown, name: edit["value"]})[name]}


def _hide_carried(value: Any, disguise: Disguise, *, is_row: bool) -> Any:
    """Hide a row, or a list of them, that a column carries: fenced for a prompt, or JSON text for a later column."""
    if not isinstance(value, str) or not (is_row or value.startswith(FENCE)):
        return value
    carried = json.loads(value) if is_row else load_fence(value)
    if isinstance(carried, list):
        return fence_json([disguise.hide_row(row) for row in carried])
    hidden = disguise.hide_row(carried)
    return json.dumps(hidden) if is_row else fence_json(hidden)
