"""What of a job a NeMo Data Designer service can run, and that part in the service's own words.

The service is asked for model columns only, over rows that are uploaded: it knows neither our column types nor `skip`,
nor files of this machine. All other columns are drawn here, before and after.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_args

from pydantic import ValidationError

from jobs.errors import BackendError
from jobs.job import ROW_ID
from jobs.library.answers import describe_judgement
from jobs.library.backend import build_config

Column = dict[str, Any]
OUR_OWN = frozenset({"skip", "propagate_skip", "skip_health_check"})  # not sent, for they are dealt with here
ASKED = "{name}__asked"  # drawn here for a column with `skip`: null where the model is not to be asked


@dataclass(frozen=True)
class Stage:
    """Columns that are drawn together; `needs` are those they are made from.

    Where it is `remote` it is one model column, and `skip` is its own.
    """

    columns: tuple[Column, ...]
    remote: bool
    needs: tuple[str, ...]
    skip: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The name of its last column, by which files and jobs are told apart."""
        return str(self.columns[-1]["name"])


def cut_stages(config: Mapping[str, Any]) -> list[Stage]:
    """Cut a job's columns, in their order, where the place they are drawn in changes.

    Before a model column with `skip` a helper column is drawn here, by the library itself, so that a row is skipped on
    the same grounds as in the library.
    """
    columns: list[Column] = []
    for column in config["columns"]:
        if is_remote(column) and column.get("skip"):
            asked = ASKED.format(name=column["name"])
            gate = {"when": column["skip"]["when"]}
            columns.append({"name": asked, "column_type": "expression", "expr": "yes", "skip": gate})
        columns.append(column)
    needs = {c.name: c for c in build_config(_leave_out_seed(config, columns)).get_column_configs()}
    stages = []
    for _, group in groupby(columns, lambda c: c["name"] if is_remote(c) else None):
        members = tuple(group)
        remote = is_remote(members[0])
        stages.append(Stage(members, remote, _find_needs(members, needs), members[0].get("skip") if remote else None))
    return stages


def is_remote(column: Mapping[str, Any]) -> bool:
    """Tell whether a column asks a model."""
    return str(column["column_type"]).startswith("llm-")


def build_service_config(stage: Stage, model: Mapping[str, Any], reference: Any) -> Any:
    """Build the service's own config of a stage, a `DataDesignerConfigBuilder` of nemo_microservices.

    Args:
        stage: It is remote.
        model: The one that its column names.
        reference: The uploaded rows.

    Raises:
        BackendError: the service's config classes do not know a key, or refuse a value.
    """
    from nemo_microservices.data_designer.config.config_builder import DataDesignerConfigBuilder  # noqa: PLC0415
    from nemo_microservices.data_designer.config.models import ModelConfig  # noqa: PLC0415

    try:
        builder = DataDesignerConfigBuilder(model_configs=[ModelConfig(**_keep_known(model, ModelConfig))])
        return builder.add_column(translate_column(stage.columns[-1])).with_seed_dataset(reference)
    except ValidationError as exc:
        raise BackendError(f"the service's own config classes refuse {stage.name}: {exc}") from exc


def find_model(stage: Stage, models: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Find the model that a remote stage asks."""
    alias = stage.columns[-1]["model_alias"]
    return next(model for model in models if model["alias"] == alias)


@contextlib.contextmanager
def import_quietly() -> Iterator[None]:
    """Import nemo_microservices so that this process logs and warns as before, and its errors are told by us alone."""
    root, its = logging.getLogger(), logging.getLogger("nemo_microservices")
    handlers, level = list(root.handlers), root.level
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a logging module that it imports by its old name
            yield
    finally:
        root.handlers[:], root.level = handlers, level
        if not its.handlers:
            its.addHandler(logging.NullHandler())
        its.propagate = False


@contextlib.contextmanager
def hold_back_prints() -> Iterator[io.StringIO]:
    """Hold back what the service's client prints: panels about a config, which would break the display."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        yield said


def _leave_out_seed(config: Mapping[str, Any], columns: list[Column]) -> dict[str, Any]:
    return {"columns": columns, **({"model_configs": config["model_configs"]} if "model_configs" in config else {})}


def _find_needs(members: Sequence[Column], configs: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the columns that a stage is made from and does not draw itself, in the order they are named."""
    own = {name for column in members for name in (column["name"], *configs[column["name"]].side_effect_columns)}
    asked = [
        name
        for column in members
        for config in [configs[column["name"]]]
        for name in (
            *sorted(config.required_columns),
            *(sorted(config.skip.columns) if config.skip and not is_remote(column) else ()),
        )
    ]
    return tuple(dict.fromkeys(name for name in asked if name not in own and name != ROW_ID))


def translate_column(column: Column) -> Any:
    """Translate a column into the service's class of its type.

    A judge goes as the structured column it is: on its way as JSON a score would become text, in the prompt too, and
    the service would ask for another answer than the library does.
    """
    from nemo_microservices.data_designer.config.column_types import ColumnConfigT  # noqa: PLC0415

    if column["column_type"] == "llm-judge":
        schema = describe_judgement(column["scores"])
        kept = {key: value for key, value in column.items() if key != "scores"}
        column = {**kept, "column_type": "llm-structured", "output_format": schema}
    classes = {kind.model_fields["column_type"].default: kind for kind in get_args(ColumnConfigT)}
    kind = classes.get(column["column_type"])
    if kind is None:
        raise BackendError(f"the service has no columns of type {column['column_type']}, which {column['name']} has")
    return kind(**_keep_known(column, kind))


def _keep_known(declared: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    unknown = [key for key in declared if key not in kind.model_fields and key not in OUR_OWN]
    if unknown:
        name = declared.get("name", declared.get("alias"))
        raise BackendError(
            f"the service does not know {', '.join(unknown)}, which {name} has: leave it out, or run it here"
        )
    return {key: value for key, value in declared.items() if key in kind.model_fields}
