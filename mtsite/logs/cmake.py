"""CMake and CTest. A message of CMake is a heading and indented lines: one finding."""

from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Rule, Window
from mtsite.logs.shape import BEGIN, On, family
from mtsite.regex import compile_bytes

_LINES = 60
_STACK = compile_bytes(rb"^Call Stack \(most recent call first\):")


def message(window: Window, width: int) -> int:
    """How many lines a message takes: indented ones across empty ones, and the call stack."""
    more = 0
    for number, raw in enumerate(window.following(_LINES), start=1):
        body = raw[width:]
        if (body[:2] == b"  " and body.strip()) or _STACK.search(body):
            more = number
        elif body.strip():
            break
    return more


_TEST = rb"^ *\d+/\d+ +Test +#\d+: [^\r\n]*\*\*\*"

RULES = (
    Rule(
        "cmake/error",
        rb"CMake (?:Internal )?Error",
        On(ERROR, BEGIN + rb"(CMake (?:Internal )?Error(?: at |: | \(| in ))", message, told=1),
        "CMake can't configure",
        "The heading names file and command. A package that isn't found must be installed, or its "
        "place named in CMAKE_PREFIX_PATH.",
    ),
    Rule(
        "cmake/incomplete",
        rb"-- Configuring incomplete",
        On(ERROR, rb"-- Configuring incomplete, errors occurred"),
        "CMake ended with errors",
        "The errors stand above.",
    ),
    Rule(
        "cmake/crash",
        rb"\*\*\*Exception",
        On(CRITICAL, _TEST + rb"Exception"),
        "CTest: a test crashed",
        "The test's own output says where; run it in a debugger.",
    ),
    Rule(
        "cmake/test",
        rb"\*\*\*(?:Failed|Timeout|Not Run)",
        On(ERROR, _TEST + rb"(?:Failed|Timeout|Not Run)"),
        "CTest: a test failed",
        "Its output is shown by `ctest --output-on-failure`.",
    ),
    Rule(
        "cmake/summary",
        rb"% tests passed, ",
        On(ERROR, rb"^\d+% tests passed, [1-9]\d* tests? failed out of \d"),
        "CTest: how many tests failed",
        "They are listed below, and in Testing/Temporary/LastTestsFailed.log.",
    ),
    Rule(
        "cmake/warning",
        rb"CMake (?:Deprecation )?Warning",
        On(
            WARNING,
            BEGIN + rb"(CMake (?:Deprecation )?Warning(?: at | \(dev\)|: | in ))",
            message,
            told=1,
            even_calm=True,
        ),
        "CMake warns",
        "The build was configured.",
    ),
)

FAMILY = family("cmake", 1, RULES)
