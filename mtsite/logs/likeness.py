"""When two failing lines are the same failure: exactly, nearly, or by a rule of the site. Pure.

Exactly: but for times, paths, hex and numbers (`rule.masked_line`). Nearly: quoted words, names
with a number in them and what stands behind `=` may differ, too, and what follows the first words.
"""

import hashlib
import re
from dataclasses import dataclass

from mtsite.logs.rule import masked_hash, masked_line
from mtsite.ownrules import NAME, SPLIT, ClusterRule
from mtsite.regex import Match, compile_bytes, count_groups

WORDS = 14
"""So many words decide whether two lines are nearly the same."""

_LOOSE = (
    (re.compile(r"'[^']*'|\"[^\"]*\"|`[^`']*['`]|<[^<>]*>|\([^()]*\)|\[[^\[\]]*\]"), "Q"),
    (re.compile(r"(?<==)\S+"), "V"),
    (re.compile(r"\S*[#X]\S*"), "N"),
    (re.compile(r"[^\w\s]+"), " "),
)


@dataclass(frozen=True)
class Alike:
    """The rules of a site for which lines are one failure; the first that fits decides."""

    rules: tuple[ClusterRule, ...] = ()

    def of(self, text: str) -> tuple[str, str, str]:
        """(cluster, 16 hex that are equal for lines that are exactly the same, its rule or '')."""
        nearly, exactly = likeness(text)
        content = text.encode("utf-8", "replace")
        for rule in self.rules:
            found = compile_bytes(rule.regex.encode()).search(content)
            if found is None:
                continue
            if rule.do == NAME:
                return nearly, exactly, rule.name
            which = _matched(rule, content, found) if rule.do == SPLIT else ()
            # By the rule's name too: what two rules say of one text are two clusters.
            told = repr((rule.name, rule.do, which)).encode()
            return hashlib.sha256(told).hexdigest()[:12], exactly, rule.name
        return nearly, exactly, ""


def _matched(rule: ClusterRule, content: bytes, found: Match) -> tuple[bytes, ...]:
    groups = range(1, count_groups(rule.regex.encode()) + 1) or (0,)
    return tuple(content[slice(*found.span(i))] if found.start(i) >= 0 else b"" for i in groups)


def likeness(text: str) -> tuple[str, str]:
    """(12 hex that are equal for lines that are nearly the same, 16 hex where they are exactly)."""
    loose = masked_line(text)
    for pattern, constant in _LOOSE:
        loose = pattern.sub(constant, loose)
    words = loose.lower().split()[:WORDS]
    found = hashlib.sha256(" ".join(words).encode("utf-8", "replace")).hexdigest()[:12]
    return found, masked_hash(text)
