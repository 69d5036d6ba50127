"""When two failing lines are the same failure: exactly, and nearly. Pure.

Exactly: but for times, paths, hex and numbers (`rule.masked_line`). Nearly: quoted words, names
with a number in them and what stands behind `=` may differ, too, and what follows the first words.
"""

import hashlib
import re

from mtsite.logs.rule import masked_hash, masked_line

WORDS = 14
"""So many words decide whether two lines are nearly the same."""

_LOOSE = (
    (re.compile(r"'[^']*'|\"[^\"]*\"|`[^`']*['`]|<[^<>]*>|\([^()]*\)|\[[^\[\]]*\]"), "Q"),
    (re.compile(r"(?<==)\S+"), "V"),
    (re.compile(r"\S*[#X]\S*"), "N"),
    (re.compile(r"[^\w\s]+"), " "),
)


def likeness(text: str) -> tuple[str, str]:
    """(12 hex that are equal for lines that are nearly the same, 16 hex where they are exactly)."""
    loose = masked_line(text)
    for pattern, constant in _LOOSE:
        loose = pattern.sub(constant, loose)
    words = loose.lower().split()[:WORDS]
    found = hashlib.sha256(" ".join(words).encode("utf-8", "replace")).hexdigest()[:12]
    return found, masked_hash(text)
