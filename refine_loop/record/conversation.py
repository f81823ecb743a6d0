"""The log of questions: the events of a run, and the prompts and answers behind them."""

import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

from files.secret_text import mask_secrets
from jobs.request import Request, Send, name_error
from refine_loop.record.events import EventLog, read_tokens


class Conversation(EventLog):
    """An event log that also keeps, by row, what was said: `of[row_id]` are the requests in turn, keys masked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda _: None)
        self.of: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._said = threading.Lock()

    async def log_request(self, request: Request, send: Send) -> Any:
        """Send a request, and keep its messages, its answer and what it took."""
        response: Any = None
        error: BaseException | None = None
        try:
            response = await super().log_request(request, send)
            return response
        except BaseException as exc:
            error = exc
            raise
        finally:
            prompt_tokens, completion_tokens = read_tokens(response)
            entry = {
                "column": request.column,
                "role": request.role,
                "model": request.sending.model or request.model,
                "messages": [{"role": str(each.role), "content": _mask(each.content)} for each in request.messages],
                "answer": None if response is None else _mask(response.message.content),
                "seconds": request.sending.seconds,
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "error": None if error is None else name_error(error),
            }
            with self._said:
                self.of[request.row_id or ""].append(entry)


def _mask(content: Any) -> str:
    parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content or ()]
    return mask_secrets("".join(parts))
