"""pytest: why a test failed (its E lines), which one, and what broke the run itself."""

from mtsite.logs.rule import CRITICAL, ERROR, Rule, Sighting, Window
from mtsite.logs.shape import BEGIN, HARMLESS, On, family
from mtsite.regex import compile_bytes

_SAYS = compile_bytes(rb"^E   +\S")
_MORE = compile_bytes(rb"^E(?:   |[ \t]*$)")
_LINES = 200
_INTERNAL = b"INTERNALERROR>"
_INTERNAL_LINES = 2000
_INTERNAL_SAYS = compile_bytes(rb"^INTERNALERROR> ([A-Za-z_][\w.]*(?:: .*|$))")

_NODE = rb"[^\s:]+\.py(?:::\S+)?"


def read_says(window: Window) -> Sighting | None:
    """The E lines of one exception, shown by the first of them."""
    line = window.line()
    if not _SAYS.search(line):
        return None
    more = 0
    for after in window.following(_LINES):
        if not _MORE.search(after):
            break
        more += 1
    return Sighting(ERROR, line, more)


def read_internal(window: Window) -> Sighting | None:
    """All lines of an INTERNALERROR, shown by the exception at their end."""
    line = window.line()
    if not line.startswith(_INTERNAL):
        return None
    excerpt, more = line, 0
    for number, raw in enumerate(window.following(_INTERNAL_LINES), start=1):
        if not raw.startswith(_INTERNAL):
            break
        more = number
        if _INTERNAL_SAYS.search(raw):
            excerpt = raw
    return Sighting(CRITICAL, excerpt, more)


RULES = (
    Rule(
        "pytest/heading",
        rb"^={3,} FAILURES|^_{3,} |^>[ \t]{3}",
        On(
            HARMLESS,
            rb"^={3,} (?:FAILURES|ERRORS) ={3,}[ \t]*$|^_{3,} .* _{3,}[ \t]*$|^>[ \t]{3,}\S",
            even_calm=True,
        ),
        "A heading of pytest, or source that it quotes",
        "The lines below say why.",
    ),
    Rule(
        "pytest/exception",
        rb"^E   ",
        read_says,
        "Why a test failed: what pytest shows of its exception",
        "The lines with > above it are the place; locals and both sides of a comparison follow.",
    ),
    Rule(
        "pytest/internal",
        rb"^INTERNALERROR>",
        read_internal,
        "pytest itself broke down",
        "A plug-in or a conftest.py raised outside of any test: the last line says what.",
    ),
    Rule(
        "pytest/failed",
        rb"\.py::|^(?:FAILED|ERROR) \S+\.py\b",
        On(
            ERROR,
            rb"^(?:FAILED|ERROR) " + _NODE + rb"(?:$| - |\[)"
            rb"|^" + _NODE + rb" (?:FAILED|ERROR)(?: +\[ *\d+%\])?[ \t]*$"
            rb"|^\[gw\d+\] \[ *\d+%\] (?:FAILED|ERROR) " + _NODE,
        ),
        "A test failed",
        "Run it alone with the name given here; `-x --pdb` stops where it fails.",
    ),
    Rule(
        "pytest/collection",
        rb"!{3,} .*error|^ERROR: (?:not found|file or directory not found|usage)",
        On(
            ERROR,
            rb"^!{3,} (?:Interrupted: )?[1-9]\d* errors? during collection"
            rb"|^ERROR: (?:not found: |file or directory not found: |usage: )",
        ),
        "pytest couldn't collect the tests",
        "A test file can't be imported, or what was asked for isn't there; no test of it ran.",
    ),
    Rule(
        "pytest/worker",
        rb"worker '?gw\d+'? crashed|node down: ",
        On(CRITICAL, rb"\bworker '?gw\d+'? crashed|" + BEGIN + rb"\[gw\d+\] node down: "),
        "A worker of pytest-xdist died",
        "The test that it was running took it along: a crash, or no memory left.",
    ),
    Rule(
        "pytest/summary",
        rb"\b[1-9]\d* (?:failed|errors?)\b.* in \d",
        On(
            ERROR,
            rb"^(?:=+ )?(?:\d+ \w+, )*[1-9]\d* (?:failed|errors?)(?:, \d+ \w+)* in \d[\d.]*s",
        ),
        "How many tests failed",
        "Each of them is named above.",
    ),
)

FAMILY = family("pytest", 1, RULES, {"pytest/internal": CRITICAL})
