"""What a person may do about a provider that cannot be spoken to: the likely cause, beside the provider's own words."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

REDIRECTS = range(300, 400)
LONGEST_LIST = 8  # models of a server that are named
LONGEST_PAGE = 120  # characters of a page that are repeated
_CAUSES: tuple[tuple[str, str], ...] = (
    ("certificate", "its certificate is not trusted: name a file that has it, or who signed it, in SSL_CERT_FILE"),
    (
        "wrong version number|record layer|unknown protocol|packet length",
        "no TLS there: write http:// where the server has no certificate",
    ),
    (
        "name or service not known|nodename nor servname|temporary failure in name|no address associated|getaddrinfo",
        "the host is not known: see provider.endpoint",
    ),
    ("connection refused|connect call failed", "nothing listens there: is the server started, and the port right?"),
    ("network is unreachable|no route to host", "there is no way to that host from here"),
)
_WANTS_TLS = re.compile("plain http request was sent to https|client sent an http request to an https", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def name_cause(words: str) -> str | None:
    """Name the likely cause of an error at the transport; None where its words are all there is."""
    return next((cause for sign, cause in _CAUSES if re.search(sign, words, re.IGNORECASE)), None)


def say_failed_connection(words: str, url: str) -> str:
    """Say that a request never came through: the address, the words, the likely cause."""
    cause = name_cause(words)
    return f"{words} at {cut_address(url)}" + (f": {cause}" if cause else "")


def say_redirect(status: int, target: str | None, url: str, route: str) -> str:
    """Say that an address lies elsewhere: it is not followed, for the request has a key and prompts in it."""
    if not target:
        return f"HTTP {status} from {cut_address(url)}: it sends elsewhere, and does not say where"
    place = cut_address(urljoin(url, target)).removesuffix("/")
    told = f"HTTP {status}: {cut_address(url)} sends to {place}"
    if not place.endswith(route):
        return f"{told}: a page to sign in at? If the API has moved there, put its address into provider.endpoint"
    return f"{told}; put {place.removesuffix(route)} into provider.endpoint"


def say_no_json(status: int, kind: str, text: str, url: str) -> str:
    """Say what a body is that is no JSON: a page of a proxy, a stream nobody asked for, or anything else."""
    start = " ".join(text.split())[:LONGEST_PAGE]
    if text.lstrip().startswith(("data:", "event:", ": ")) or "event-stream" in kind:
        what = f"a stream of events, though none was asked for ({start}): switch streaming off at the server or proxy"
    elif is_page(kind, text):
        title = _TITLE.search(text)
        cause = "it wants TLS: write https://" if _WANTS_TLS.search(text) else "is there a proxy in between?"
        what = f"a web page and no JSON ({' '.join(title[1].split()) if title else start}): {cause}"
    elif not text.strip():
        what = "an empty body"
    elif _WANTS_TLS.search(text):
        what = f"no JSON: {start}: it wants TLS: write https://"
    else:
        what = f"no JSON: {start}"
    return f"HTTP {status} from {cut_address(url)} with {what}"


def is_page(kind: str, text: str) -> bool:
    """Tell whether a body is a web page, or markup of another kind."""
    return "html" in kind or text.lstrip()[:1] == "<"


def cut_address(url: str) -> str:
    """Cut what may be secret out of an address: user, password, query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else url


def say_missing(served: list[str] | None, served_below_v1: list[str] | None, words: str) -> str:
    """Say what is not there: the model, by the list of those that are or by the provider's words, or the path."""
    if served is not None:
        return f"The server has {', '.join(served[:LONGEST_LIST]) or 'no model'}."
    if served_below_v1 is not None:
        return "Does the address end in /v1? There the server lists its models: see provider.endpoint."
    if re.search(r"\bmodel\b", words, re.IGNORECASE):
        return "It lists no models: see models.*.model."
    return "There is no list of models at the address either: see provider.endpoint. Does the address end in /v1?"


CONTEXT_REMEDIES: Mapping[str, str] = {
    "cut": "give the server a longer context (Ollama: OLLAMA_CONTEXT_LENGTH or num_ctx), or show fewer examples",
    "refused": "lower max_tokens, give the server a longer context, or show fewer examples",
}
