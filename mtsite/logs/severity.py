"""The plain words: lines that say of themselves that something failed, of whatever program.

What a compiler, a simulator or a test runner writes in a shape of its own is the business of its
own family, which is asked before. A word in a path, a flag, an identifier or a count of zero is not
a failure. Warnings are none of its business.
"""

import re
from collections.abc import Callable

from mtsite.logs.rule import CRITICAL, ERROR, Rule, Sighting, Window
from mtsite.logs.shape import family, joined, judged
from mtsite.regex import PatternSet

# RE2 has no look-around: what must not stand before or after a word is matched with it.
_BEFORE = rb"(?:^|[^\w/.=$-])"
_AFTER = rb"(?:$|[^\w/.=-]|\.[ \t\r]|\.$)"

_CRITICAL_SHAPES = (
    rb"\b[UO]VM_FATAL\b",
    _BEFORE + rb"(?:FATAL|CRITICAL|PANIC)" + _AFTER,
    _BEFORE + rb"[Ff]atal(?: [Ee]rror)?:",
    rb"\[fatal\]",
    rb"\bpanic:(?:$|[^:])",
)
_NAMED_ERROR = rb"(?:^|[^\w/-])[\w.]*Error:(?:$|[^:])"
_NAMED_EXCEPTION = rb"\b[\w.]*[A-Z]\w*(?:Exception|Interrupt)(?:$|: )"
_ERROR_SHAPES = (
    rb"\b[UO]VM_ERROR\b",
    _BEFORE + rb"ERROR" + _AFTER,
    _BEFORE + rb"FAIL(?:ED|URES?)?" + _AFTER,
    rb"\b(?i:status|state|result|verdict) ?[=:] ?\"?FAIL",
    _BEFORE + rb"error:(?:$|[^:])",
    _NAMED_ERROR,
    rb"\b[Ee]rror(?:-?\[| ?\(\d+\)| #\d| [A-Z]{1,8}-?\d+:)",
    rb"\*\*\* [^\r\n]*\b(?:Error|[Ff]ailed|Stop)\b",
    rb"\bError [1-9]\d*(?:$|[^\w.])",
    rb"[\[:]error\]|<error>|\(EE\)|(?:^|[ \t])-E- ",
    rb"(?:^|[^\w'-])level\"?[=:] ?\"?(?:error|fatal|critical|panic)\b",
    rb"npm ERR!",
    rb"\bAssertionError\b",
    _NAMED_EXCEPTION,
    rb"\bException in thread\b",
    rb"\b[Aa]ssert(?:ion)?\b[^\r\n]*\b[Ff]ailed\b",
    rb"\b[Aa]ssertion failure:",
    rb"[Cc]ommand not found|: Permission denied\b",
    rb"TEST-UNEXPECTED-|PROCESS-CRASH",
    rb"^not ok\b",
    rb"\b(?i:errors?|failures|failed) ?[:=] ?[1-9]",
    rb"\b[1-9]\d* (?i:errors?|fail(?:ed|ures?))\b",
)
_CRITICAL = joined(_CRITICAL_SHAPES)
_ERROR = joined(_ERROR_SHAPES)
# Not to follow each word from its beginning finds the lines that may be errors a fifth faster.
_HINTS = {
    _NAMED_ERROR: rb"Error:(?:$|[^:])",
    _NAMED_EXCEPTION: rb"(?:Exception|Interrupt)(?:$|: )",
}
_ERROR_HINT = joined(tuple(_HINTS.get(shape, shape) for shape in _ERROR_SHAPES))
_SEVERITY = PatternSet((_CRITICAL, _ERROR))

# What logpro writes above its verdict on a rule: the line that says why follows.
_HEADING = re.compile(rb"[ \t]*Expects?: ")


def level_of(line: bytes) -> str:
    """How bad a line is by its words; '' when it is not."""
    said = _SEVERITY.matching(line)
    if said and (kept := judged(line)) is not line:
        said = _SEVERITY.matching(kept)
    if 0 in said:
        return CRITICAL
    return ERROR if said else ""


def _reader(level: str) -> Callable[[Window], Sighting | None]:
    def read(window: Window) -> Sighting | None:
        line = window.line()
        if _HEADING.match(line) or level_of(line) != level:
            return None
        return Sighting(level, line)

    return read


RULES = (
    Rule(
        "severity/critical",
        _CRITICAL,
        _reader(CRITICAL),
        "A line that calls itself fatal or critical",
        "No family of rules knows this shape; the words of the line decide.",
    ),
    Rule(
        "severity/error",
        _ERROR_HINT,
        _reader(ERROR),
        "A line that says that something failed",
        "No family of rules knows this shape; the words of the line decide. A rule of the site "
        "can name it, or silence it.",
    ),
)

FAMILY = family("severity", 3, RULES, {"severity/critical": CRITICAL})
