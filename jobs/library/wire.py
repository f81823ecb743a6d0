"""What passes between the library and a provider: payloads in a model's dialect, bodies settled, failures in words."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from data_designer.engine.models.clients import parsing
from data_designer.engine.models.clients.adapters import http_model_client
from data_designer.engine.models.clients.adapters.http_model_client import HttpModelClient
from data_designer.engine.models.clients.errors import ProviderError, ProviderErrorKind

from jobs.library.bodies import settle_body
from jobs.library.dialects import find_dialect, translate_payload
from jobs.library.likely import REDIRECTS, say_failed_connection, say_no_json, say_redirect

CHAT = "/chat/completions"
Dialects = dict[str, set[str]]  # by model


@contextlib.contextmanager
def speak_plainly(dialects: Dialects, tell: Callable[[str, str], None]) -> Iterator[None]:
    """Translate what is sent and settle what comes back while the context is open.

    Nothing that an answer says is fetched: stock 0.9.6 loads `message.images`, and a text that is an address.

    Args:
        dialects: What each model is known to want; what is learnt is added.
        tell: Told the model and what was learnt.
    """
    post, parse_body = HttpModelClient._apost, http_model_client.parse_json_body
    extract, aextract = parsing.extract_images_from_chat_message, parsing.aextract_images_from_chat_message

    @functools.wraps(post)
    async def post_in_dialect(self: Any, route: str, payload: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        model = str(payload.get("model"))
        known = dialects.setdefault(model, set())
        sent = translate_payload(payload, known) if route == CHAT else payload
        try:
            body = await post(self, route, sent, *args, **kwargs)
        except ProviderError as exc:
            if route == CHAT and (learnt := find_dialect(exc.status_code, exc.message, sent)) is not None:
                if learnt not in known:
                    known.add(learnt)
                    tell(model, learnt)
                vars(exc)["send_again"] = True
            elif exc.status_code is None:
                exc.message = say_failed_connection(exc.message, f"{self._endpoint}{route}")
            raise
        return settle_body(body, self.provider_name, model)

    HttpModelClient._apost = post_in_dialect
    http_model_client.parse_json_body = functools.partial(_parse_body, parse_body)
    parsing.extract_images_from_chat_message = lambda _: []
    parsing.aextract_images_from_chat_message = _see_no_images
    try:
        yield
    finally:
        HttpModelClient._apost, http_model_client.parse_json_body = post, parse_body
        parsing.extract_images_from_chat_message, parsing.aextract_images_from_chat_message = extract, aextract


async def _see_no_images(_: Any) -> list[Any]:
    return []


def _parse_body(parse: Callable[..., Any], response: Any, provider_name: str, model_name: str | None) -> Any:
    """Parse a body of JSON.

    Raises:
        ProviderError: The address lies elsewhere, or what came is no JSON.
    """
    status = response.status_code
    headers: Mapping[str, str] = getattr(response, "headers", {})
    if status in REDIRECTS:
        url = str(getattr(response, "url", ""))
        message = say_redirect(status, headers.get("location"), url, CHAT)
        raise ProviderError(ProviderErrorKind.CLIENT_ERROR, message, status, provider_name, model_name)
    try:
        return parse(response, provider_name, model_name)
    except ProviderError as exc:
        text = response.content.decode("utf-8", "replace")
        exc.message = say_no_json(status, headers.get("content-type", ""), text, str(getattr(response, "url", "")))
        raise


def is_to_be_sent_again(error: BaseException) -> bool:
    """Tell whether a request was refused only for how it was put, which is known now."""
    return bool(getattr(error, "send_again", False))
