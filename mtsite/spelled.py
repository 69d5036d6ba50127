"""Numbers and times in the spellings that other programs use. Pure."""

import math
from datetime import UTC, datetime

_LAST_TIME = 253_402_300_799  # the end of the year 9999


def seconds(text: str | None) -> float | None:
    """A duration; thousands may have commas (Surefire). None for what is none or never ends."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        try:
            value = float(text.replace(",", "").rstrip("s"))
        except ValueError:
            return None
    return max(0.0, value) if value <= _LAST_TIME and math.isfinite(value) else None


def moment(text: str | None) -> float | None:
    """A time of ISO 8601 as Unix seconds; one without a zone is UTC. None for what is none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    try:
        when = (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None
    return when if 0 <= when <= _LAST_TIME else None


def number(text: str) -> float | int | str:
    """A value as the number that it is, if writing that number gives the same text again."""
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and math.isfinite(value) and abs(value) < 2**63:
            return value
    return text
