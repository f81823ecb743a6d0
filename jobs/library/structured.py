"""Asks providers for answers of a column's schema, where they can, beneath Data Designer's interface.

The library sends a schema in the prompt alone. What is added here goes into the request's body, per row; the answer is
read and checked as any other.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from data_designer.config.column_configs import LLMJudgeColumnConfig, LLMStructuredColumnConfig
from data_designer.engine.column_generators.generators.llm_completion import ColumnGeneratorWithModelChatCompletion
from data_designer.engine.models.facade import ModelFacade
from data_designer.engine.models.utils import ChatMessage

from columns.hooks import call_hook
from columns.types.computed import give
from columns.types.configs import RowChecksColumnConfig
from designer_configs.compile.native import FALLBACK_ALIAS
from designer_configs.compile.profile import Model, Profile
from jobs.library.shim import name_cell
from jobs.request import FORM_PROBE
from jobs.structured.dialects import Dialect, Mode, find_dialect, reduce_schema, write_body
from jobs.structured.probe import QUESTION, Finding, find_mode
from jobs.structured.schemas import RecursiveSchemaError, Schema, describe_scores

FORMAT = "response_format"  # a profile that sends its own in extra_body is left alone
CHECKS = "row-checks"

Narrow = Callable[[Schema, Mapping[str, Any]], Schema]

_schema: contextvars.ContextVar[Schema | None] = contextvars.ContextVar("schema", default=None)


class Forms:
    """In which form each role's answers are asked for.

    Findings are by model alias; those that a profile leaves to `auto` are known once they were asked for.
    """

    def __init__(self, profile: Profile, endpoint: str | None) -> None:
        provider = profile.provider
        self.dialect: Dialect = find_dialect(provider.name, endpoint or provider.endpoint, provider.provider_type)
        models = list_aliases(profile)
        asked: dict[str, Any] = {alias: model.structured_output for alias, model in models.items()}
        own = {alias for alias, model in models.items() if FORMAT in _read_extra(model.inference_parameters)}
        self.findings: dict[str, Finding] = {
            alias: Finding("prompt" if alias in own or mode == "auto" else mode, {})
            for alias, mode in asked.items()
            if mode != "auto" or alias in own or self.dialect.modes == ("prompt",)
        }
        self._left_to_auto = asked.keys() - self.findings.keys()

    def find_mode(self, alias: str) -> Mode:
        """Find a model's mode; the prompt alone for one that was not asked."""
        return self.findings.get(alias, Finding("prompt", {})).mode

    def settle(self, profile: Profile) -> Profile:
        """Put what was found into a profile, for a process that does not ask again."""

        def put(alias: str, model: Model) -> Model:
            return replace(model, structured_output=self.find_mode(alias))

        models = {
            role: replace(put(role, own), fallback=own.fallback and put(name_fallback(role), own.fallback))
            for role, own in profile.models.items()
        }
        return replace(profile, models=models)

    def remember(self, modes: Mapping[str, Mode]) -> None:
        """Take what was found before, for roles that are left to `auto`."""
        self.findings = {role: Finding(mode, {}) for role, mode in modes.items()} | self.findings

    async def ask_for_modes(self, registry: Any, columns: list[Any]) -> None:
        """Ask each role and stand-in that is left to `auto` once, with the real schema of one of the role's columns."""
        for column in columns:
            role: str | None = getattr(column, "model_alias", None)
            for alias in () if role is None else (role, name_fallback(role)):
                if alias in self.findings or alias not in self._left_to_auto:
                    continue
                if (schema := describe_answers(column, self.dialect)) is not None:
                    ask = functools.partial(_ask, registry.get_model(model_alias=alias))
                    self.findings[alias] = await find_mode(schema, self.dialect, ask)


def list_aliases(profile: Profile) -> dict[str, Model]:
    """List a profile's models, and those that stand in for them, by the aliases that jobs declare them under."""
    stand_ins = {name_fallback(role): own.fallback for role, own in profile.models.items()}
    return {**profile.models, **{alias: model for alias, model in stand_ins.items() if model is not None}}


def name_fallback(role: str) -> str:
    """Name the alias of the model that stands in for a role's own."""
    return FALLBACK_ALIAS.format(role=role)


def _read_extra(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    extra: Mapping[str, Any] = parameters.get("extra_body") or {}
    return extra


async def _ask(model: Any, body: Mapping[str, Any]) -> str:
    with name_cell(None, FORM_PROBE):
        response = await model.acompletion([ChatMessage.as_user(QUESTION)], skip_usage_tracking=True, extra_body=body)
    return str(response.message.content or "")


def describe_answers(column: Any, dialect: Dialect, narrow: Callable[[Schema], Schema] = dict) -> Schema | None:
    """Describe a column's answers as a provider takes it; None for texts, and for a schema that cannot be written."""
    if isinstance(column, LLMJudgeColumnConfig):
        return reduce_schema(describe_scores(column.scores), dialect)
    if not isinstance(column, LLMStructuredColumnConfig) or not isinstance(column.output_format, dict):
        return None
    try:
        return reduce_schema(narrow(column.output_format), dialect)
    except RecursiveSchemaError:
        return None


def find_narrowing(config: Mapping[str, Any]) -> Narrow:
    """Find how a job's rows narrow the schemas of its answers: by what its column of checks knows of the controls."""
    checks = next((column for column in config["columns"] if column.get("column_type") == CHECKS), None)
    if checks is None or not checks.get("dataset"):
        return lambda schema, _: schema
    given = give(RowChecksColumnConfig(**checks))
    hook = given.dataset.narrow_schema
    return lambda schema, row: call_hook(hook.__name__, hook, schema, row, given)


@contextlib.contextmanager
def ask_in_form(forms: Forms, narrow: Narrow) -> Iterator[None]:
    """Ask for answers of a column's schema while the context is open, as the row has narrowed it."""
    generate, consolidate = ColumnGeneratorWithModelChatCompletion.agenerate, ModelFacade.consolidate_kwargs

    @functools.wraps(generate)
    async def generate_in_form(self: Any, data: dict[str, Any]) -> Any:
        alias = self.config.model_alias
        is_asked = any(forms.find_mode(each) != "prompt" for each in (alias, name_fallback(alias)))
        schema = describe_answers(self.config, forms.dialect, lambda whole: narrow(whole, data)) if is_asked else None
        token = _schema.set(schema)
        try:
            return await generate(self, data)
        finally:
            _schema.reset(token)

    @functools.wraps(consolidate)
    def add_form(self: Any, **kwargs: Any) -> Any:
        schema, given = _schema.get(), consolidate(self, **kwargs)
        body = {} if schema is None else write_body(schema, forms.find_mode(self.model_alias), forms.dialect)
        return {**given, "extra_body": {**body, **given.get("extra_body", {})}} if body else given

    ColumnGeneratorWithModelChatCompletion.agenerate = generate_in_form
    ModelFacade.consolidate_kwargs = add_form
    try:
        yield
    finally:
        ColumnGeneratorWithModelChatCompletion.agenerate = generate
        ModelFacade.consolidate_kwargs = consolidate
