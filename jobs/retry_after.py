"""When a provider may be asked again, as it says itself (Retry-After: RFC 9110, 10.2.3)."""

import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime


def read_asked_pause(headers: Mapping[str, str]) -> float | None:
    """Read for how many seconds a provider asks us to wait: a number, or a date; None where it does not."""
    raw = headers.get("retry-after") or ""
    try:
        seconds = float(raw)
    except ValueError:
        try:
            until = parsedate_to_datetime(raw)
        except ValueError:
            return None
        seconds = (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - time.time()
    return max(seconds, 0.0) if math.isfinite(seconds) else None
