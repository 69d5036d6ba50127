"""Python: a traceback, with those chained to it, is one finding; so is an exception group.

Every line may have the prefix of a logger: as wide as on the first line. The excerpt is the last
exception line, which is what the program died of.
"""

from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Rule, Sighting, Window
from mtsite.logs.shape import BEGIN, On, family, judged
from mtsite.regex import Match, compile_bytes

_HEAD = b"Traceback (most recent call last):"
_START = compile_bytes(rb"(?:Exception Group )?Traceback \(most recent call last\):[ \t]*$")
_GROUP = compile_bytes(rb"^ *(?:\+ Exception Group Traceback|\+-\+?-{4}|\| ?|\+-{4})")
_LINES = 2000
_CHAINED = (
    b"During handling of the above exception, another exception occurred:",
    b"The above exception was the direct cause of the following exception:",
)
_EXCEPTION = compile_bytes(rb"^[A-Za-z_][\w.]*(?:: .*|:)?$")
_GROUP_EXCEPTION = compile_bytes(rb"^  \| ([A-Za-z_][\w.]*(?:: .*)?)$")
_IGNORED = compile_bytes(rb"\bException ignored (?:in|on|while)\b")


def read_traceback(window: Window) -> Sighting | None:
    """Follow a traceback, and those chained to it, to its last exception line.

    One that was logged for debugging, or with a warning, only warns. Where the heading isn't the
    end of its line, somebody speaks of it.
    """
    line = window.line()
    start = _START.search(line)
    if start is None:
        return None
    seen = _follow(window, line, start)
    return seen if _HEAD in judged(line) else seen._replace(level=WARNING)


def _follow(window: Window, line: bytes, start: Match) -> Sighting:
    if b"Exception Group" in line[start.start() : start.end()]:
        return _read_group(window, line, start.start())
    after = next(window.following(1), b"")
    # A logger may put its prefix before the first line only.
    width = 0 if after.startswith(b'  File "') else start.start()
    return _read_plain(window, line, width)


def _read_plain(window: Window, line: bytes, width: int) -> Sighting:
    excerpt, last = line, 0
    inside, chained = True, False
    blank = 0
    for number, raw in enumerate(window.following(_LINES), start=1):
        body = raw[width:]
        if len(raw) < width and raw.strip():
            break
        if inside and (body[:1] in (b" ", b"\t") or not body.strip()):
            last = number
        elif inside and _EXCEPTION.search(body):
            excerpt, last, inside, chained, blank = body, number, False, False, 0
        elif not inside and chained and _HEAD in body:
            inside, last = True, number
        elif not inside and body.strip() in _CHAINED:
            chained, blank = True, 0
        elif inside or body.strip() or blank:
            break
        else:
            blank += 1
    return Sighting(ERROR, excerpt, last)


def _read_group(window: Window, line: bytes, width: int) -> Sighting:
    """An exception group: every line of it has the border that Python draws."""
    # The border begins two columns left of the heading: `  + Exception Group Traceback`.
    border = max(width - len(b"  + "), 0)
    excerpt, last = line, 0
    for number, raw in enumerate(window.following(_LINES), start=1):
        body = raw[border:]
        if not _GROUP.search(body):
            break
        last = number
        found = _GROUP_EXCEPTION.search(body)
        if found is not None and excerpt is line:
            excerpt = body[found.start(1) : found.end(1)]
    return Sighting(ERROR, excerpt, last)


def read_ignored(window: Window) -> Sighting | None:
    """`Exception ignored in: …` with its traceback: the program went on."""
    line = window.line()
    if not _IGNORED.search(line):
        return None
    after = list(window.following(1))
    head = _START.search(after[0]) if after else None
    if head is None:
        return Sighting(WARNING, line)
    width, more = head.start(), 1
    for number, raw in enumerate(window.following(_LINES), start=1):
        if number == 1 or raw[width : width + 1] in (b" ", b"\t"):
            more = number
        else:
            more = number if _EXCEPTION.search(raw[width:]) else more
            break
    return Sighting(WARNING, line, more)


def stack(window: Window, width: int) -> int:
    """The stacks that Python writes below a fatal error."""
    more = 0
    for number, raw in enumerate(window.following(_LINES), start=1):
        body = raw[width:]
        if body[:2] == b"  " or body.startswith((b"Current thread 0x", b"Thread 0x", b"Python ")):
            more = number
        elif body.strip():
            break
    return more


RULES = (
    Rule(
        "python/ignored",
        rb"Exception ignored ",
        read_ignored,
        "Python dropped an exception",
        "It came up where nobody can catch it, in a destructor or at exit; the program went on.",
    ),
    Rule(
        "python/traceback",
        rb"Traceback \(most recent call last\):",
        read_traceback,
        "A Python exception that nobody caught, or that was logged",
        "The last line says what happened, the frame above it where. Of chained exceptions the "
        "first one is the cause.",
    ),
    Rule(
        "python/fatal",
        rb"Fatal Python error",
        On(CRITICAL, BEGIN + rb"(Fatal Python error: )", stack),
        "The Python interpreter died",
        "Most often an extension module that wrote where it must not; the stacks say what ran.",
    ),
    Rule(
        "python/start",
        rb"python[\d.]*(?:\.exe)?: (?:can't open file|No module named|Error while finding)",
        On(
            ERROR,
            rb"(?:^|[\s/\\])python[\d.]*(?:\.exe)?: (?:can't open file|No module named"
            rb"|Error while finding module)",
        ),
        "Python can't find what it should run",
        "Look at the path, PYTHONPATH and the virtual environment.",
    ),
    Rule(
        "python/warning",
        rb"\.py:\d+: \w*Warning: ",
        On(WARNING, rb"\.py:\d+: [A-Z]\w*Warning: ", even_calm=True),
        "A Python module warns",
        "What it names will change or go in a later version.",
    ),
)

FAMILY = family("python", 1, RULES, {"python/ignored": WARNING})
