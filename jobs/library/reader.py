"""One reader of ours before the library's: a column's own schema, or a judge's scores, decide what an answer says.

The library hands its parser a model's text, which it repairs until it parses. Here `jobs.reading` reads the answer as
it came, and the library's parser is given the one object that was found as one plain fence, or the answer is refused:
sent back once with the line that says why, or given up where sending it back makes no sense.
"""

import contextlib
import contextvars
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from data_designer.config.column_configs import LLMJudgeColumnConfig, LLMStructuredColumnConfig
from data_designer.engine.column_generators.generators.llm_completion import ColumnGeneratorWithModelChatCompletion
from data_designer.engine.models.errors import ModelGenerationValidationFailureError
from data_designer.engine.models.facade import ModelFacade
from data_designer.engine.models.parsers.errors import ParserException

from columns.rendering import read_fence
from jobs.library.answers import flatten_response
from jobs.reading.answer import Answer, Context, Read, Refused
from jobs.reading.judgement import read_judgement
from jobs.reading.refinement import read_refinement
from jobs.reading.row import read_object
from jobs.request import Request, Send
from jobs.requests.policy import RowLostError

Reader = Callable[[Answer], Read | Refused]

REFINED, PREVIOUS = "refined_", "prev_"  # a refiner's column, and its record's field of the row that it was given
_CHANGED_BY_MARKDOWN = re.compile("[&<>`\x7f]")
_KNOWS_NOTHING = Context()


@dataclass
class _Cell:
    """The cell that the library works on: how its answers are read, what the last one said, and why one was refused."""

    read: Reader
    reading: Read | Refused | None = None
    refused: Refused | None = None


_cell: contextvars.ContextVar[_Cell | None] = contextvars.ContextVar("read cell", default=None)


@contextlib.contextmanager
def read_before_library() -> Iterator[None]:
    """Read every answer of a structured column or a judge before the library does, while the context is open."""
    generate, ask = ColumnGeneratorWithModelChatCompletion.agenerate, ModelFacade.agenerate

    @functools.wraps(generate)
    async def generate_cell(self: Any, data: dict[str, Any]) -> dict[str, Any]:
        read = find_reader(self.config, data)
        token = _cell.set(None if read is None else _Cell(read))
        try:
            row: dict[str, Any] = await generate(self, data)
            return row
        finally:
            _cell.reset(token)

    @functools.wraps(ask)
    async def ask_model(self: Any, *args: Any, **kwargs: Any) -> Any:
        if (cell := _cell.get()) is not None:
            kwargs["parser"] = functools.partial(_parse, cell, kwargs["parser"])
        try:
            return await ask(self, *args, **kwargs)
        except ModelGenerationValidationFailureError as exc:
            if cell is None or cell.refused is None or cell.refused.cause == "cut":
                raise  # of one that was cut the library says which limit to raise
            raise RowLostError(cell.refused.line) from exc

    ColumnGeneratorWithModelChatCompletion.agenerate = generate_cell
    ModelFacade.agenerate = ask_model
    try:
        yield
    finally:
        ColumnGeneratorWithModelChatCompletion.agenerate = generate
        ModelFacade.agenerate = ask


class ReadingStep:
    """Reads what came back for the cell that asked: a step on a request's way, the outermost of all.

    The library's parser is given a message's content only; how an answer ended, what the model thought and the
    arguments of its tool calls are in the response.
    """

    def __init__(self, notify: Callable[..., Any]) -> None:
        """Read, and tell `notify` of what was sent for: an answer out of the journal was told of when it came."""
        self._notify = notify

    async def __call__(self, request: Request, send: Send) -> Any:
        """Give the response as it came."""
        response = await send()
        if (cell := _cell.get()) is not None:
            cell.reading = cell.read(flatten_response(response))
            if request.sending.seconds is not None:
                self._tell(request, cell.reading)
        return response

    def _tell(self, request: Request, reading: Read | Refused) -> None:
        mended = list(reading.mended) if isinstance(reading, Read) else []
        refused = reading.cause if isinstance(reading, Refused) else None
        if mended or refused:
            asked = {name: getattr(request, name) for name in ("job", "row_id", "column", "number")}
            self._notify("answer_read", **asked, mended=mended, refused=refused)


def find_reader(config: Any, data: Mapping[str, Any]) -> Reader | None:
    """Find the reader of a column's answers; None for texts, and for a schema that names no fields.

    Args:
        config: The library's config of the column.
        data: The record that the column is written for; a refiner's holds the row to mend.
    """
    if isinstance(config, LLMJudgeColumnConfig):
        return functools.partial(read_judgement, scores={score.name: score.options for score in config.scores})
    if not isinstance(config, LLMStructuredColumnConfig):
        return None
    schema: Any = config.output_format
    if not isinstance(schema, dict) or "properties" not in schema:
        return None
    previous = data.get(f"{PREVIOUS}{config.name.removeprefix(REFINED)}") if config.name.startswith(REFINED) else None
    if previous is None:
        return functools.partial(read_object, schema=schema, context=_KNOWS_NOTHING)
    return functools.partial(read_refinement, schema=schema, previous=read_fence(previous), context=_KNOWS_NOTHING)


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


def write_plainly(value: Mapping[str, Any]) -> str:
    """Write an object as one fence in characters that neither Markdown nor HTML changes."""
    text = _CHANGED_BY_MARKDOWN.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value))
    return f"```json\n{text}\n```"
