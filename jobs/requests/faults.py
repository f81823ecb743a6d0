"""What kind of fault an error of a provider is, and how it is said: in the provider's own words.

Errors are of five kinds. *stop*: the key or the credit is refused, no further request can succeed. *missing*: the
model is not there. *wait*: too many requests (429), or a model that is still being loaded. *retry*: the server or the
way to it failed. *refuse*: this one request is not accepted.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from data_designer.errors import DataDesignerError

from jobs.library.shim import find_asked_pause
from jobs.request import name_error

LONGEST_WORDS = 300  # characters of a provider's message that are repeated
_LACKS = r"insufficient[ _](?:\w+_)?(?:quota|balance|credits?|funds)"
_UNPAID = re.compile(
    rf"{_LACKS.replace('[ _]', '_')}|\w*current_quota\w*|billing_\w+|credit_\w+|payment_required", re.I
)
_CREDIT = re.compile(rf"billing|credit balance|out of credits|current quota|{_LACKS}", re.IGNORECASE)
_NO_MONEY = re.compile(rf"spending limit|credit balance|out of credits|{_LACKS}", re.IGNORECASE)
_TOO_LARGE = re.compile(r"request too large|request is too large", re.IGNORECASE)
_PERHAPS = re.compile(r"credit|\bbalance\b|quota|spending limit|\bdaily\b|\bper day\b", re.IGNORECASE)
_COMES_BACK = re.compile(  # of a quota
    r"\b(?:per|/|a) ?(?:min|sec|hour)|rate limit|\([rt]pm\)|\b(?:re)?try (?:again )?(?:in|after) \d", re.IGNORECASE
)
Fault = Literal["stop", "missing", "wait", "retry", "refuse"]

FAULTS: Mapping[str, Fault] = {
    "authentication": "stop",
    "permission_denied": "stop",
    "quota_exceeded": "stop",
    "not_found": "missing",
    "rate_limit": "wait",
    "internal_server": "retry",
    "api_connection": "retry",
    "timeout": "retry",
    "request_admission_timeout": "retry",
    "api_error": "retry",  # a body that is no JSON, such as a proxy's page
    "TimeoutError": "retry",
}
TOO_MANY, INTERNAL, UNAVAILABLE = 429, 500, 503
FAULTS_BY_STATUS: Mapping[int, Fault] = {
    **dict.fromkeys((301, 302, 303, 307, 308), "stop"),  # an address that lies elsewhere
    402: "stop",
    408: "retry",
    410: "missing",
    425: "retry",
    529: "wait",  # overloaded, in Anthropic's words
}
"""What the library tells apart by its kinds no better than any other refusal."""


class RowLostError(DataDesignerError):
    """A request that will not be sent again; its row is lost and the message says why."""


def classify(exc: BaseException) -> Fault:
    """Tell what kind of fault an error is."""
    status, fault = getattr(exc, "status_code", None), FAULTS.get(name_error(exc), "refuse")
    if status == TOO_MANY:
        if _TOO_LARGE.search(str(exc)):  # for a minute's tokens: no minute has room for it
            return "refuse"
        return "stop" if _is_spent(exc) else "wait"
    if says_loading(exc):
        return "wait"
    fault = FAULTS_BY_STATUS.get(status or 0, fault)
    if fault == "refuse" and _NO_MONEY.search(str(exc)):
        return "stop"
    return "wait" if fault == "retry" and find_asked_pause(exc) else fault  # it says when it will be back


def _is_spent(exc: BaseException) -> bool:
    """Tell whether a 429 is about what was paid for, which no waiting brings back, and not about a quota a minute.

    Its code is believed; its words where they name no time; words that may mean either where no pause is asked for.
    """
    said = str(exc)
    if _UNPAID.search(said):
        return True
    is_about_credit = _CREDIT.search(said) or (_PERHAPS.search(said) and not find_asked_pause(exc))
    return bool(is_about_credit) and not _COMES_BACK.search(said)


def says_loading(exc: BaseException) -> bool:
    """Tell whether a server says that its model is not loaded yet, as llama.cpp's does for the first seconds."""
    signs = {UNAVAILABLE: "loading", INTERNAL: "loading model"}
    sign = signs.get(getattr(exc, "status_code", None) or 0)
    return sign is not None and sign in str(exc).lower()


def describe_error(exc: BaseException) -> str:
    """Say an error with its status and the provider's own words, in one line and cut where they are long."""
    status = getattr(exc, "status_code", None)
    words = " ".join(str(exc).split()) or name_error(exc)
    is_said = words.startswith("HTTP ")
    return (words if is_said else f"{f'HTTP {status}' if status else name_error(exc)}: {words}")[: LONGEST_WORDS + 20]


def find_complaint(response: Any) -> str | None:
    """Say why an answer is none, where the provider says so: its filter stopped it, or the model refused."""
    choices = getattr(response, "choices", None) or [None]
    if getattr(choices[0], "finish_reason", None) == "content_filter":
        return "the provider's content filter stopped the answer (finish_reason: content_filter)"
    raw = getattr(response, "raw", None)
    try:
        refusal = raw["choices"][0]["message"].get("refusal") if isinstance(raw, dict) else None
    except (KeyError, IndexError, AttributeError, TypeError):
        return None
    return f"the model refused: {str(refusal)[:LONGEST_WORDS]}" if refusal else None
