"""Go: go test, panics with their goroutines, data races, what doesn't compile."""

from mtsite.logs.rule import CRITICAL, ERROR, Rule, Sighting, Window
from mtsite.logs.shape import BEGIN, HARMLESS, On, family, indented
from mtsite.regex import compile_bytes

_LINES = 2000
_HEAD_LINES = 8
_STACK = compile_bytes(
    rb"^(?:\t|goroutine \d|created by |\[signal |\[originating |exit status \d|panic: "
    rb"|runtime stack:|[\w./*()\[\]{}~%\x80-\xff-]+\(.*\)$|\.\.\.additional frames)"
)
_GOROUTINE = compile_bytes(rb"^goroutine \d+ \[|^runtime stack:")
_RACE_END = b"=================="
_FAIL_LINE = compile_bytes(rb"^FAIL[ \t]*$")
_PACKAGE = compile_bytes(rb"^FAIL\t\S+\t")


def _stack_lines(window: Window, width: int) -> tuple[int, bool]:
    """(how many lines of goroutines follow, whether there is one at all)."""
    more, stacks = 0, False
    for number, raw in enumerate(window.following(_LINES), start=1):
        body = raw[width:]
        stacks = stacks or bool(_GOROUTINE.search(body))
        if number > _HEAD_LINES and not stacks:
            break
        if _STACK.search(body):
            more = number
        elif body.strip():
            break
    return more, stacks


def read_panic(window: Window) -> Sighting | None:
    """`panic: …` or the runtime's `fatal error: …`, with the goroutines that follow."""
    line = window.line()
    found = _PANIC.search(line)
    if found is None:
        return None
    more, stacks = _stack_lines(window, found.start(1))
    return Sighting(CRITICAL, line, more) if stacks else None


_PANIC = compile_bytes(BEGIN + rb"((?:panic|fatal error): )")


def read_race(window: Window) -> Sighting | None:
    """The race detector's report, up to its closing line."""
    line = window.line()
    if b"WARNING: DATA RACE" not in line:
        return None
    where, more = b"", 0
    for number, raw in enumerate(window.following(_LINES), start=1):
        if raw.startswith(_RACE_END):
            return Sighting(ERROR, line + where, number)
        if not where and raw[:2] == b"  " and raw.strip():
            where = b" " + raw.strip()
        if raw.strip() and raw[:1] not in (b" ", b"R", b"W", b"P", b"G", b"\t"):
            break
        more = number
    return Sighting(ERROR, line + where, more)


def read_fail(window: Window) -> Sighting | None:
    """A bare FAIL that the line of its package follows says nothing of its own."""
    if not _FAIL_LINE.search(window.line()):
        return None
    after = list(window.following(2))
    told = any(_PACKAGE.search(line) or line.startswith(b"exit status ") for line in after)
    return Sighting(HARMLESS, b"") if told else None


RULES = (
    Rule(
        "go/race",
        rb"WARNING: DATA RACE",
        read_race,
        "The race detector found a data race",
        "Two goroutines use one variable, at least one writes: both stacks stand in the report.",
    ),
    Rule(
        "go/panic",
        rb"\bpanic: |\bfatal error: ",
        read_panic,
        "A Go program panicked",
        "The first goroutine listed is the one that did; `test timed out` is a panic, too.",
    ),
    Rule(
        "go/failed",
        rb"--- FAIL: ",
        On(ERROR, rb"^ *(--- FAIL: \S+)", indented(100), told=1),
        "A Go test failed",
        "What it said stands below the line or, with -v, above it.",
    ),
    Rule(
        "go/fail",
        rb"^FAIL",
        read_fail,
        "go test says once more that it failed",
        "The line of the package follows.",
    ),
    Rule(
        "go/package",
        rb"^FAIL\t",
        On(ERROR, rb"^FAIL\t\S+(?:\t[\d.]+s| \[(?:build|setup) failed\])"),
        "A Go package failed",
        "`build failed`: it doesn't compile; otherwise its tests are named above.",
    ),
    Rule(
        "go/build",
        rb"\.go:\d+:\d+: ",
        On(ERROR, rb"^(?:vet: )?[\w./@+-]+\.go:\d+:\d+: \S"),
        "Go source doesn't compile, or vet found something",
        "File, line and column stand on the line.",
    ),
)

FAMILY = family("go", 1, RULES, {"go/panic": CRITICAL, "go/fail": HARMLESS})
