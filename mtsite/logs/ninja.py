"""Ninja: what it couldn't make, unless the tool's own words follow and say why."""

from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Rule, Sighting, Window
from mtsite.logs.shape import BEGIN, On, family
from mtsite.regex import compile_bytes

_FAILED = compile_bytes(rb"^FAILED: (?:\[code=-?\d+\] )?(\S+)")
_NEXT = compile_bytes(rb"^(?:FAILED: |\[\d+/\d+\] |ninja: )")
_SPEAKS = compile_bytes(
    rb"\b(?:error|Error|ERROR|fatal|undefined reference|cannot find|[Nn]o such file"
    rb"|command not found|Permission denied|Traceback|Segmentation fault|Killed)\b"
)
_LINES = 200


def read_failed(window: Window) -> Sighting | None:
    """`FAILED: output` with the command below it; silent where the tool itself says why.

    A test runner's `FAILED: name` has no command below it and is none of this rule's.
    """
    line = window.line()
    failed = _FAILED.search(line)
    if failed is None:
        return None
    output = line[failed.start(1) : failed.end(1)]
    for number, after in enumerate(window.following(_LINES)):
        if number == 0:
            if output not in after:
                return None
        elif _NEXT.search(after):
            break
        elif _SPEAKS.search(after):
            return Sighting("", b"")
    return Sighting(ERROR, line)


RULES = (
    Rule(
        "ninja/failed",
        rb"^FAILED: ",
        read_failed,
        "A command that ninja ran failed and said nothing",
        "The command stands in the next line: run it by hand.",
    ),
    Rule(
        "ninja/fatal",
        rb"ninja: fatal: ",
        On(CRITICAL, BEGIN + rb"ninja: fatal: "),
        "ninja itself gave up",
        "Most often a host without memory, processes or files to open.",
    ),
    Rule(
        "ninja/error",
        rb"ninja: error: ",
        On(ERROR, BEGIN + rb"ninja: error: "),
        "ninja can't read its build file or lacks an input",
        "Run the generator (cmake, meson, gn) again.",
    ),
    Rule(
        "ninja/warning",
        rb"ninja: warning: ",
        On(WARNING, BEGIN + rb"ninja: warning: ", even_calm=True),
        "ninja warns",
        "The build went on.",
    ),
)

FAMILY = family("ninja", 1, RULES)
