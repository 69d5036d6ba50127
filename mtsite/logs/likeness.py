"""When two failing lines are the same failure: exactly, nearly, or by a rule of the site. Pure.

Exactly: but for times, paths, hex and numbers (`rule.masked_line`). Nearly: quoted words, names
with a number in them and what stands behind `=` may differ, too, and what follows the first words.
"""

import hashlib
import re

from msgspec import Struct

from mtsite.logs.rule import hash_of_masked, masked_line
from mtsite.ownrules import NAME, SPLIT, ClusterRule
from mtsite.regex import Match, compile_bytes, count_groups

WORDS = 14
"""So many words decide whether two lines are nearly the same."""

EDITION = 2
"""It rises when other lines are alike: those of all runs are brought together again."""

_LOOSE = (
    (re.compile(r"'[^']*'|\"[^\"]*\"|`[^`']*['`]|<[^<>]*>|\([^()]*\)|\[[^\[\]]*\]"), "Q"),
    (re.compile(r"(?<==)\S+"), "V"),
    (re.compile(r"\S*[#X]\S*"), "N"),
    (re.compile(r"[^\w\s]+"), " "),
)
_OWN = re.compile(r"(?<!0)X|#")
_SAYS_NOTHING = re.compile(
    r"[eqvnptx]|(?:\w*_)?(?:errors?|err|fail|failed|failure|failing|fatal|critical|severe|warning|warn"
    r"|exception|abort|aborted|panic|info|level|msg|message|test|not|ok|of|s)"
)
"""A word that any failure may have."""


class Alike(Struct, frozen=True):
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
    masked = masked_line(text)
    found = hashlib.sha256(" ".join(_telling(text, masked)).encode("utf-8", "replace"))
    return found.hexdigest()[:12], hash_of_masked(masked)


def _telling(text: str, masked: str) -> list[str]:
    """The words that decide. Where all that says what is wrong is quoted, quoted words count."""
    # What is written so in the line is no mask.
    own = _OWN.sub(_spelled, text)
    loose = masked if own == text else masked_line(own)
    for pattern, constant in _LOOSE:
        loose = pattern.sub(constant, loose)
    words = loose.lower().split()[:WORDS]
    if all(_SAYS_NOTHING.fullmatch(word) for word in words):
        return masked.lower().split()
    return words


def _spelled(found: re.Match[str]) -> str:
    return {"X": "\u03c7", "#": " "}[found[0]]
