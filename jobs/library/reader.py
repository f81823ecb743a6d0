"""One reader of ours before the library's: a column's own schema, or a judge's scores, decide what an answer says.

The library hands its parser a model's text, which it repairs until it parses. Here `jobs.reading` reads the answer as
it came, and the library's parser is given the one object that was found as one plain fence, or the answer is refused:
sent back once with the line that says why, or given up where sending it back makes no sense. A judge that gave no
usable answer costs no row: its scores are null, and its reasoning says why.
"""

import contextlib
import contextvars
import functools
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from data_designer.config.column_configs import LLMJudgeColumnConfig, LLMStructuredColumnConfig
from data_designer.engine.column_generators.generators.llm_completion import ColumnGeneratorWithModelChatCompletion
from data_designer.engine.models.errors import ModelGenerationValidationFailureError
from data_designer.engine.models.facade import ModelFacade
from data_designer.engine.models.parsers.errors import ParserException

from columns.rendering import read_fence
from columns.types.configs import DerivedColumnConfig
from files.secret_text import mask_secrets
from jobs.job import NOT_FINISHED, WROTE
from jobs.library.answers import flatten_response
from jobs.library.backend import say_error
from jobs.reading.answer import Answer, Read, Refused
from jobs.reading.judgement import read_judgement
from jobs.reading.mendings import ALL
from jobs.reading.notes import FieldNotes
from jobs.reading.refinement import read_refinement
from jobs.reading.row import read_object
from jobs.request import Request, Send
from jobs.requests.faults import RowLostError

Reader = Callable[[Answer], Read | Refused]

REFINED, PREVIOUS = "refined_", "prev_"  # a refiner's column, and its record's field of the row that it was given
LONGEST_LINE = 160  # characters of a model's first and last line that a reason shows
_CHANGED_BY_MARKDOWN = re.compile("[&<>`\x7f]")


@dataclass(frozen=True)
class ReadingRules:
    """What readers go by beside a column's schema: the dataset's notes on its fields, and the mendings allowed."""

    notes: FieldNotes = field(default_factory=FieldNotes)
    mendings: Collection[str] = ALL


@dataclass
class _Cell:
    """The cell that the library works on: how its answers are read, what the last one said, and why one was refused."""

    read: Reader
    answer: Answer | None = None
    reading: Read | Refused | None = None
    refused: Refused | None = None


_cell: contextvars.ContextVar[_Cell | None] = contextvars.ContextVar("read cell", default=None)


@contextlib.contextmanager
def read_before_library(rules: ReadingRules) -> Iterator[None]:
    """Read every answer of a structured column or a judge before the library does, while the context is open."""
    generate, ask = ColumnGeneratorWithModelChatCompletion.agenerate, ModelFacade.agenerate

    @functools.wraps(generate)
    async def generate_cell(self: Any, data: dict[str, Any]) -> dict[str, Any]:
        read = find_reader(self.config, data, rules)
        token = _cell.set(None if read is None else _Cell(read))
        try:
            row: dict[str, Any] = await generate(self, data)
            return row
        except (RowLostError, ModelGenerationValidationFailureError) as exc:
            if not isinstance(self.config, LLMJudgeColumnConfig) or str(exc).startswith(NOT_FINISHED):
                raise
            return data | {self.config.name: write_no_scores(self.config, say_error(str(exc)))}
        finally:
            _cell.reset(token)

    @functools.wraps(ask)
    async def ask_model(self: Any, *args: Any, **kwargs: Any) -> Any:
        if (cell := _cell.get()) is not None:
            kwargs["parser"] = functools.partial(_parse, cell, kwargs["parser"])
        try:
            return await ask(self, *args, **kwargs)
        except ModelGenerationValidationFailureError as exc:
            if cell is None or cell.refused is None:
                raise
            said = say_error(str(exc)) if cell.refused.cause == "cut" else cell.refused.line
            raise RowLostError(f"{said}{quote_answer(cell.answer)}") from exc

    ColumnGeneratorWithModelChatCompletion.agenerate = generate_cell
    ModelFacade.agenerate = ask_model
    try:
        yield
    finally:
        ColumnGeneratorWithModelChatCompletion.agenerate = generate
        ModelFacade.agenerate = ask


async def read_answer_of_cell(request: Request, send: Send) -> Any:  # noqa: ARG001 - a step
    """Read what came back for the cell that asked: a step on a request's way, the outermost of all.

    The library's parser is given a message's content only; how an answer ended, what the model thought and the
    arguments of its tool calls are in the response.
    """
    response = await send()
    if (cell := _cell.get()) is not None:
        cell.answer = flatten_response(response)
        cell.reading = cell.read(cell.answer)
    return response


class ReadingLog:
    """Tells how answers are read: a step next to the policy, so that of one out of the journal nothing is told again.

    It tells before the journal keeps the answer: one that is kept has been told of, were the run killed in between.
    """

    def __init__(self, notify: Callable[..., Any]) -> None:
        self._notify = notify

    async def __call__(self, request: Request, send: Send) -> Any:
        """Give the response as it came."""
        response = await send()
        if (cell := _cell.get()) is not None:
            reading = cell.read(flatten_response(response))
            mended = list(reading.mended) if isinstance(reading, Read) else []
            refused = reading.cause if isinstance(reading, Refused) else None
            if mended or refused:
                asked = {name: getattr(request, name) for name in ("job", "row_id", "column", "number")}
                self._notify("answer_read", **asked, mended=mended, refused=refused)
        return response


def find_reader(config: Any, data: Mapping[str, Any], rules: ReadingRules) -> Reader | None:
    """Find the reader of a column's answers; None for texts, and for a schema that names no fields.

    Args:
        config: The library's config of the column.
        data: The record that the column is written for; a refiner's holds the row to mend.
        rules: What readers go by.
    """
    if isinstance(config, LLMJudgeColumnConfig):
        scores = {score.name: score.options for score in config.scores}
        return functools.partial(read_judgement, scores=scores, mendings=rules.mendings)
    if not isinstance(config, LLMStructuredColumnConfig):
        return None
    schema: Any = config.output_format
    if not isinstance(schema, dict) or "properties" not in schema:
        return None
    about: dict[str, Any] = {"schema": schema, "context": rules.notes.describe_row(data), "mendings": rules.mendings}
    previous = data.get(f"{PREVIOUS}{config.name.removeprefix(REFINED)}") if config.name.startswith(REFINED) else None
    if previous is None or isinstance(config, DerivedColumnConfig):  # of which the parts are no fields of that row
        return functools.partial(read_object, **about)
    return functools.partial(read_refinement, previous=read_fence(previous), **about)


def _parse(cell: _Cell, parse: Callable[[str], Any], text: str) -> Any:
    """Let the library's parser have what was read of an answer.

    Raises:
        ParserException: The answer is refused, and is sent back with the line that says why.
        RowLostError: It is refused, and would be again.
    """
    reading, cell.reading = cell.reading or cell.read(Answer(text)), None
    if isinstance(reading, Read):
        return parse(write_plainly(reading.value))
    cell.refused = reading
    if reading.resend:
        raise ParserException(reading.line, source=text)
    raise RowLostError(reading.line)


def quote_answer(answer: Answer | None) -> str:
    """Quote the first and the last line of what a model wrote, and how it ended, for a reason."""
    if answer is None:
        return ""
    text = mask_secrets(answer.content or "".join(answer.arguments) or answer.reasoning or "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ends = list(dict.fromkeys([*lines[:1], *lines[-1:]]))
    shown = " ... ".join(json.dumps(_shorten(line), ensure_ascii=True) for line in ends) or "nothing"
    return f"{WROTE}{shown} (finish_reason {answer.finish_reason})"


def _shorten(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE // 2]} ... {line[-LONGEST_LINE // 2 :]}"


def write_no_scores(config: LLMJudgeColumnConfig, why: str) -> dict[str, Any]:
    """Write the answer of a judge that gave none: no score of any criterion, and why."""
    return {score.name: {"reasoning": why, "score": None} for score in config.scores}


def write_plainly(value: Mapping[str, Any]) -> str:
    """Write an object as one fence in characters that neither Markdown nor HTML changes."""
    text = _CHANGED_BY_MARKDOWN.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value))
    return f"```json\n{text}\n```"
