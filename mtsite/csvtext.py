"""Values as lines of CSV (RFC 4180).

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and whoever can run
a test can choose such a name: text of that kind gets an apostrophe before it, a number never does.
Control characters, which could steer a terminal, become U+FFFD; line breaks and tabs stay.
"""

import csv
import io
import re
from collections.abc import Iterable

from mtsite.model import Scalar

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def cell(value: Scalar) -> str:
    """A value as a cell; None is an empty one."""
    if value is None:
        return ""
    text = str(value)
    if not isinstance(value, str):
        return text
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    readable = _CONTROLS.sub("\ufffd", readable)
    return f"'{readable}" if readable.startswith(_FORMULA) and not _is_number(text) else readable


def line(values: Iterable[Scalar]) -> str:
    """One record, CR LF at its end."""
    text = io.StringIO()
    csv.writer(text).writerow([cell(value) for value in values])
    return text.getvalue()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text.strip() == text
