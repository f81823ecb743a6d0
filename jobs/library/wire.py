"""What passes between the library and a provider: payloads in a model's dialect, bodies settled, failures in words."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from data_designer.engine.models.clients import parsing
from data_designer.engine.models.clients.adapters import http_model_client
from data_designer.engine.models.clients.adapters.http_model_client import HttpModelClient
from data_designer.engine.models.clients.errors import ProviderError, ProviderErrorKind

from jobs.library.bodies import add_kinds, find_context_error, replace_halves, settle_body, settle_vectors
from jobs.library.dialects import find_dialect, translate_payload
from jobs.library.likely import REDIRECTS, is_page, say_failed_connection, say_no_json, say_redirect
from jobs.retry_after import read_asked_pause

CHAT, EMBEDDINGS = "/chat/completions", "/embeddings"
BAD_REQUEST, TOO_MANY = 400, 429
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
    map_error = http_model_client.map_http_error_to_provider_error
    extract, aextract = parsing.extract_images_from_chat_message, parsing.aextract_images_from_chat_message

    @functools.wraps(post)
    async def post_in_dialect(self: Any, route: str, payload: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        model = str(payload.get("model"))
        known = dialects.setdefault(model, set())
        sent = translate_payload(payload, known) if route == CHAT else payload
        try:
            return await post(self, route, sent, *args, **kwargs)
        except ProviderError as exc:
            if route == CHAT and (learnt := find_dialect(exc.status_code, exc.message, sent)) is not None:
                if learnt not in known:
                    known.add(learnt)
                    tell(model, learnt)
                vars(exc)["send_again"] = True
            elif exc.status_code is None:
                exc.message = say_failed_connection(exc.message, f"{self._endpoint}{route}")
            raise

    HttpModelClient._apost = post_in_dialect
    http_model_client.parse_json_body = functools.partial(_parse_body, parse_body)
    http_model_client.map_http_error_to_provider_error = functools.partial(_map_error, map_error)
    parsing.extract_images_from_chat_message = lambda _: []
    parsing.aextract_images_from_chat_message = _see_no_images
    try:
        yield
    finally:
        HttpModelClient._apost, http_model_client.parse_json_body = post, parse_body
        http_model_client.map_http_error_to_provider_error = map_error
        parsing.extract_images_from_chat_message, parsing.aextract_images_from_chat_message = extract, aextract


async def _see_no_images(_: Any) -> list[Any]:
    return []


def _parse_body(parse: Callable[..., Any], response: Any, provider_name: str, model_name: str | None) -> Any:
    """Parse a body of JSON, and settle it.

    Raises:
        ProviderError: The address lies elsewhere, or what came is no JSON, an error, or without a choice.
    """
    status = response.status_code
    headers: Mapping[str, str] = getattr(response, "headers", {})
    url = str(getattr(response, "url", ""))
    is_embedding = url.endswith(EMBEDDINGS)
    if status in REDIRECTS:
        message = say_redirect(status, headers.get("location"), url, EMBEDDINGS if is_embedding else CHAT)
        raise ProviderError(ProviderErrorKind.CLIENT_ERROR, message, status, provider_name, model_name)
    try:
        body = parse(response, provider_name, model_name)
    except ProviderError as exc:
        text = response.content.decode("utf-8", "replace")
        exc.message = say_no_json(status, headers.get("content-type", ""), text, url)
        raise
    try:
        return (settle_vectors if is_embedding else settle_body)(body, provider_name, model_name)
    except ProviderError as exc:
        exc.retry_after = read_asked_pause(headers)
        raise


def _map_error(map_error: Callable[..., ProviderError], *, response: Any, **names: Any) -> ProviderError:
    """Make an error of a response, with all that says what it is and when it may be sent again.

    Stock 0.9.7 reads Retry-After of a 429 alone, of an error's body its message alone, and a page as it stands.
    """
    error, headers = map_error(response=response, **names), response.headers
    error.retry_after = read_asked_pause(headers)
    said = _find_said(response)
    if said is None and is_page(headers.get("content-type", ""), response.text):
        error.message = say_no_json(response.status_code, "html", response.text, str(response.url))
    elif said is not None and error.message.lstrip().startswith("["):  # Google's list of one error
        error.message = str(said.get("message") or error.message)
    if said is not None and response.status_code == TOO_MANY:
        error.message = add_kinds(error.message, said)
    error.message = replace_halves(error.message)
    if response.status_code == BAD_REQUEST:
        error.kind = find_context_error(error.message) or error.kind
    return error


def _find_said(response: Any) -> Mapping[str, Any] | None:
    """Find the object that says what an error is; None where the body is no JSON."""
    try:
        body = response.json()
    except ValueError:
        return None
    said = body[0] if isinstance(body, list) and body else body
    said = said.get("error", said) if isinstance(said, dict) else said
    return said if isinstance(said, dict) else {}


def is_to_be_sent_again(error: BaseException) -> bool:
    """Tell whether a request was refused only for how it was put, which is known now."""
    return bool(getattr(error, "send_again", False))
