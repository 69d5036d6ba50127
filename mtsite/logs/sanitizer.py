"""Sanitizers and Valgrind: a whole report is one finding, shown by its summary line."""

from collections.abc import Callable

from mtsite.logs.rule import CRITICAL, ERROR, Rule, Sighting, Window
from mtsite.logs.shape import HARMLESS, On, family
from mtsite.regex import compile_bytes

_LINES = 5000
_AFTER_SUMMARY = 60
_SHADOW = compile_bytes(
    rb"^ *(?:=>)?0x[0-9a-f]+: |^Shadow |^  (?:Addressable|Partially|Heap|Freed|Stack|Global"
    rb"|Poisoned|Container|Array|Intra|ASan|Left|Right|Shadow|Memory)\b|^==\d+==(?:ABORTING|HINT)|^={10,}$"
    rb"|^Memory tags|^MS: "
)


def _reader(tool: bytes) -> Callable[[Window], Sighting | None]:
    """Reads the reports of one tool: from `ERROR: ToolSanitizer: ` to what follows its SUMMARY."""
    head = compile_bytes(rb"(==\d+==(?:ERROR|WARNING): |WARNING: |ERROR: )" + tool + rb": ")
    summary = compile_bytes(rb"SUMMARY: " + tool + rb": ")

    def read(window: Window) -> Sighting | None:
        line = window.line()
        if summary.search(line):
            return Sighting(CRITICAL, line)
        found = head.search(line)
        if found is None:
            return None
        width = found.start(1)
        for number, raw in enumerate(window.following(_LINES), start=1):
            if summary.search(raw):
                return Sighting(CRITICAL, raw[width:], number + _tail(window, number, width))
            if head.search(raw):
                break
        return Sighting(CRITICAL, line[width:])

    return read


def _tail(window: Window, summary: int, width: int) -> int:
    """How many lines after the summary belong to the report: the shadow bytes, ABORTING."""
    more = 0
    for number, raw in enumerate(window.following(summary + _AFTER_SUMMARY), start=1):
        if number <= summary:
            continue
        if not _SHADOW.search(raw[width:]):
            break
        more = number - summary
    return more


def _rule(name: str, tool: bytes, title: str, help_text: str) -> Rule:
    return Rule(f"sanitizer/{name}", tool + rb": ", _reader(tool), title, help_text)


RULES = (
    _rule(
        "address",
        rb"(?:HW)?AddressSanitizer",
        "AddressSanitizer: memory used wrongly",
        "The first stack is the bad access, the others say where the memory was allocated and "
        "freed.",
    ),
    _rule(
        "thread",
        rb"ThreadSanitizer",
        "ThreadSanitizer: a data race or a lock used wrongly",
        "Two stacks that run at the same time touch one place, at least one writes.",
    ),
    _rule(
        "memory",
        rb"MemorySanitizer",
        "MemorySanitizer: a value used that nobody set",
        "-fsanitize-memory-track-origins says where it comes from.",
    ),
    _rule(
        "leak",
        rb"LeakSanitizer",
        "LeakSanitizer: memory that nobody frees",
        "Each leak is listed with the stack of its allocation.",
    ),
    Rule(
        "sanitizer/undefined",
        rb"UndefinedBehaviorSanitizer|: runtime error: ",
        On(
            CRITICAL,
            rb"UndefinedBehaviorSanitizer: |\.\w+:\d+:\d+: runtime error: ",
        ),
        "UndefinedBehaviorSanitizer: the standard gives this no meaning",
        "The line says what: an overflow, a null pointer, a bad shift. "
        "UBSAN_OPTIONS=print_stacktrace=1 shows the way there.",
    ),
    Rule(
        "sanitizer/valgrind-clean",
        rb"ERROR SUMMARY: 0 errors",
        On(HARMLESS, rb"^==\d+== ERROR SUMMARY: 0 errors", even_calm=True),
        "Valgrind found nothing",
        "A summary of zero errors is no finding.",
    ),
    Rule(
        "sanitizer/valgrind",
        rb"ERROR SUMMARY: [1-9]",
        On(ERROR, rb"^==\d+== ERROR SUMMARY: [1-9]\d* errors?"),
        "Valgrind found errors",
        "Each is listed above with its stack.",
    ),
)

FAMILY = family(
    "sanitizer",
    1,
    RULES,
    {f"sanitizer/{name}": CRITICAL for name in ("address", "thread", "memory", "leak")},
)
