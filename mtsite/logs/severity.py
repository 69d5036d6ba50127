"""The plain severity family: lines that say of themselves that something failed.

It knows the words and shapes of compilers, make, Python, simulators and test runners. A word in a
path, a flag, an identifier or a count of zero is not a failure. Warnings are none of its business.
A Python traceback is one sighting, shown by the line with its exception.
"""

import re

from mtsite.logs.family import Family, Meaning
from mtsite.logs.rule import CRITICAL, ERROR, Rule, Sighting, Window
from mtsite.regex import PatternSet

# RE2 has no look-around: what must not stand before or after a word is matched with it.
_BEFORE = rb"(?:^|[^\w/.=$-])"
_AFTER = rb"(?:$|[^\w/.=-]|\.[ \t\r]|\.$)"

_CRITICAL_SHAPES = (
    rb"\bUVM_FATAL\b",
    _BEFORE + rb"(?:FATAL|CRITICAL|PANIC)" + _AFTER,
    _BEFORE + rb"[Ff]atal(?: [Ee]rror)?:",
    rb"\[fatal\]",
    rb"\bpanic:(?:$|[^:])",
    rb"Kernel panic",
    rb"[Ss]egmentation fault",
    rb"\bSIG(?:SEGV|ABRT|BUS|ILL|FPE)\b",
    rb"\bcore dumped\b",
    rb"[Oo]ut of memory|\boom-kill",
    rb"No space left on device",
    rb"SUMMARY: \w+Sanitizer",
    rb"double free or corruption",
    rb"terminate called after",
    rb"\*F,[A-Z]{4,}",
)
_ERROR_SHAPES = (
    rb"\bUVM_ERROR\b",
    _BEFORE + rb"ERROR" + _AFTER,
    _BEFORE + rb"FAIL(?:ED|URES?)?" + _AFTER,
    rb"\b(?i:status|state|result|verdict) ?[=:] ?\"?FAIL",
    _BEFORE + rb"error:(?:$|[^:])",
    rb"(?:^|[^\w/-])[\w.]*Error:(?:$|[^:])",
    rb"\b[Ee]rror(?:-?\[| ?\(\d+\)| #\d| [A-Z]{1,8}-?\d+:)",
    rb"\berror while loading\b",
    rb"\*\*\* [^\r\n]*\b(?:Error|[Ff]ailed|Stop)\b",
    rb"\bError [1-9]\d*(?:$|[^\w.])",
    rb"[\[:]error\]|<error>|\(EE\)|(?:^|[ \t])-E- ",
    rb"(?:^|[^\w'-])level\"?[=:] ?\"?(?:error|fatal|critical|panic)\b",
    rb"%Error\b",
    rb"\*E,[A-Z]{4,}",
    rb"npm ERR!|^CMake Error\b",
    rb"\bAssertionError\b",
    rb"\b[\w.]*[A-Z]\w*(?:Exception|Interrupt)(?:$|: )",
    rb"\bException in thread\b",
    rb"\b[Aa]ssert(?:ion)?\b[^\r\n]*\b[Ff]ailed\b",
    rb"\b[Aa]ssertion failure:",
    rb"undefined reference to|multiple definition of|ld: cannot find",
    rb"[Cc]ommand not found|No rule to make target|: Permission denied\b",
    rb"\b(?i:test|command|simulation|step|job|process)(?: \S+)? timed out\b",
    rb"(?:^|[ \t])Killed[ \t]*(?:$|\r|\()",
    rb"TEST-UNEXPECTED-|PROCESS-CRASH",
    rb"^E   +\S",
    rb"^not ok\b",
    rb"\b(?i:errors?|failures|failed) ?[:=] ?[1-9]",
    rb"\b[1-9]\d* (?i:errors?|fail(?:ed|ures?))\b",
)
# Taken out of a line before it is judged.
_HARMLESS_SHAPES = (
    rb"\b(?:no|zero|without|not an|non-?fatal|expected|ignor(?:ed|ing)|tolerated|injected)"
    rb" +(?:\w+ )?(?:errors?|fail(?:ed|ures?)?|fatals?)\b:?",
    rb"\b0+ (?:\w+ )?(?:errors?|fail(?:ed|ures?|s)?|fatals?)\b",
    rb"\b(?:uvm_error|uvm_fatal|errors|fail|failed|failures|fails|fatals)"
    rb"(?: \w+)?[\"']?[ \t]*[:=][ \t]*[\"']?0+(?:$|[^\w.:])",
    rb"\b(?:error|fatal|critical|failure)[\"']?[ \t]*[:=][ \t]*[\"']?"
    rb"(?:0+|none|null|nil|false|n/a|\[\])[ \t]*(?:$|[,;)|}\"'])",
    rb"\berror \d+ \(ignored\)",
    rb"\b\d+ (?:errors?|failures?) (?:allowed|expected|tolerated|ignored|injected|max\w*)",
    rb"[ \t]OK, expected [^\r\n]*",
)
# From here on a line calls itself harmless: a warning, a debug dump, a test that passed.
_CALM = re.compile(
    rb"\b[Ww]arning:|\bWARNING:|TEST-(?:PASS|INFO|KNOWN-FAIL)\b"
    rb"|(?:^|[ \t\[<|])DEBUG(?:[ \t\]>:|]|$)"
)

# Headings above what failed, and source that a test runner quotes: the line that says why follows.
_HEADING = re.compile(
    rb"={3,} FAILURES ={3,}[ \t]*$|_{3,} .* _{3,}[ \t]*$|>[ \t]{3,}\S|[ \t]*Expects?: "
)
_PYTEST_SAYS = re.compile(rb"E   +\S")
_PYTEST_MORE = re.compile(rb"E(?:   |[ \t]*$)")
_PYTEST_LINES = 200
_NINJA_FAILED = re.compile(rb"FAILED: (?:\[code=\d+\] )?(\S+)")
_NINJA_NEXT = re.compile(rb"FAILED: |\[\d+/\d+\] |ninja: ")
_NINJA_LINES = 200

_TRACEBACK = b"Traceback (most recent call last):"
_TRACEBACK_START = re.compile(rb"(?:Exception Group )?Traceback \(most recent call last\):")
_TRACEBACK_LINES = 2000
_CHAINED = (
    b"During handling of the above exception, another exception occurred:",
    b"The above exception was the direct cause of the following exception:",
)
_EXCEPTION = re.compile(rb"[A-Za-z_][\w.]*(?::.*)?$")


def _any(shapes: tuple[bytes, ...], flags: bytes = b"m") -> bytes:
    return b"(?" + flags + b")" + b"|".join(b"(?:" + shape + b")" for shape in shapes)


_FAILS = _any((*_CRITICAL_SHAPES, *_ERROR_SHAPES))
_HARMLESS = re.compile(_any(_HARMLESS_SHAPES, b"mi"))
_SEVERITY = PatternSet(
    (_any(_CRITICAL_SHAPES), _any(_ERROR_SHAPES), _CALM.pattern, _any(_HARMLESS_SHAPES, b"mi"))
)
_IS_CRITICAL, _IS_ERROR, _IS_CALM, _HAS_HARMLESS = range(4)


def read_severity(window: Window) -> Sighting | None:
    """A failing line, or a whole traceback that begins here."""
    line = window.line()
    if _TRACEBACK in line:
        return _read_traceback(window, line)
    if _HEADING.match(line) or _is_ninja_heading(window, line):
        return None
    level = _level_of(line)
    if level == ERROR and _PYTEST_SAYS.match(line):
        return Sighting(ERROR, line, _pytest_more(window))
    if level == CRITICAL:
        return Sighting(CRITICAL, line, code="severity/critical")
    return Sighting(ERROR, line) if level else None


def _level_of(line: bytes) -> str:
    """How bad a line is by itself; '' when it is not."""
    said = _SEVERITY.matching(line)
    if _IS_CALM in said or _HAS_HARMLESS in said:
        calm = _CALM.search(line)
        judged = _HARMLESS.sub(b" ", line[: calm.start()] if calm else line)
        said = _SEVERITY.matching(judged)
    if _IS_CRITICAL in said:
        return CRITICAL
    return ERROR if _IS_ERROR in said else ""


def _pytest_more(window: Window) -> int:
    """How many lines more the same exception takes: all of them begin with E."""
    more = 0
    for line in window.following(_PYTEST_LINES):
        if not _PYTEST_MORE.match(line):
            break
        more += 1
    return more


def _is_ninja_heading(window: Window, line: bytes) -> bool:
    """Whether ninja names here what it couldn't make, and the tool's own words follow.

    The command comes first and names it, too; a test runner's `FAILED: name` has none.
    """
    failed = _NINJA_FAILED.match(line)
    if failed is None:
        return False
    for number, after in enumerate(window.following(_NINJA_LINES)):
        if number == 0:
            if failed.group(1) not in after:
                return False
        elif _NINJA_NEXT.match(after):
            return False
        elif _level_of(after):
            return True
    return False


def _read_traceback(window: Window, line: bytes) -> Sighting:
    """Follow the traceback, and those chained to it, to its last exception line.

    Every line may have the prefix of a logger: as wide as on the first line.
    """
    start = _TRACEBACK_START.search(line)
    width = start.start() if start else 0
    excerpt, last = line, 0
    inside, chained = True, False
    blank = 0
    for number, raw in enumerate(window.following(_TRACEBACK_LINES), start=1):
        body = raw[width:]
        if len(raw) < width and raw.strip():
            break
        if inside and (body[:1] in (b" ", b"\t") or not body.strip()):
            last = number
        elif inside and _EXCEPTION.match(body):
            excerpt, last, inside, chained, blank = body, number, False, False, 0
        elif not inside and chained and _TRACEBACK in body:
            inside, last = True, number
        elif not inside and body.strip() in _CHAINED:
            chained, blank = True, 0
        elif inside or body.strip() or blank:
            break
        else:
            blank += 1
    return Sighting(ERROR, excerpt, last)


FAMILY = Family(
    name="severity",
    edition=1,
    rules=(
        Rule("severity/error", _FAILS + rb"|Traceback \(most recent call last\):", read_severity),
    ),
    catalogue=(
        Meaning(
            "severity/error",
            ERROR,
            "The line says that something failed",
            "A word or shape of compilers, make, test runners, simulators and shells that stands"
            " for a failure. Read the lines around it: the first one is usually the cause.",
        ),
        Meaning(
            "severity/critical",
            CRITICAL,
            "The line says that the program could not go on",
            "A fatal error, a crash, a panic, memory or disk used up.",
        ),
    ),
)
