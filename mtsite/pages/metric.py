"""A number in the cell of a grid, at most five characters; whose a test is, in two. Pure."""

import math
import re

from mtsite.pages import words

DURATION = "duration"
"""The metric that every test has; any other is CATEGORY/VARIABLE of its test data."""

ROOM = 5
_UNITS = "kMGTPE"
_NAME_PARTS = re.compile(r"[^\W_]+")


def short(metric: str, value: float) -> str:
    """As a cell shows it."""
    return _time(int(value)) if metric == DURATION else _number(value)


def told(metric: str, value: float) -> str:
    """As a card and a screen reader say it."""
    if metric == DURATION:
        return f"took {words.duration(value)}"
    return f"{metric.rpartition('/')[2]} {value:.12g}"


def initials(owner: str) -> str:
    """Two letters of an owner: of first and last name, or the first two of a name in one word."""
    parts: list[str] = _NAME_PARTS.findall(owner.partition("@")[0])
    if len(parts) > 1:
        return parts[0][0].upper() + parts[-1][0].upper()
    return parts[0][:2].capitalize() if parts else ""


def _time(seconds: int) -> str:
    minutes, hours = seconds // 60, seconds // 3600
    if seconds < 60:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60:02d}"
    if hours < 1:
        return f"{minutes}m"
    if hours < 100:
        return f"{hours}h{minutes % 60:02d}"
    return f"{min(hours // 24, 9999)}d"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return f"{value:.3g}"
    for digits in range(ROOM, 0, -1):
        text = f"{value:.{digits}g}"
        if "e" not in text and len(text) <= ROOM:
            return text
    if 1 <= abs(value) < 1000 ** (len(_UNITS) + 1):
        power = min(max(1, (len(f"{abs(value):.0f}") - 1) // 3), len(_UNITS))
        for digits in range(3, 0, -1):
            text = f"{value / 1000**power:.{digits}g}{_UNITS[power - 1]}"
            if "e" not in text and len(text) <= ROOM:
                return text
    text = re.sub(r"e([+-])0*", lambda found: f"e{found[1].strip('+')}", f"{value:.0e}")
    return text if len(text) <= ROOM else "…"
