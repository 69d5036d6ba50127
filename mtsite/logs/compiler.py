"""Compilers: gcc, clang, Microsoft's, Intel's, rustc, javac, tsc. One finding per message.

Lines of source that a compiler quotes below its message belong to the message, so that a string
in the source (`printf("error: …")`) is no finding of its own.
"""

from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Rule, Window
from mtsite.logs.shape import BEGIN, HARMLESS, On, family
from mtsite.regex import compile_bytes

_QUOTED_LINES = 40
_TO_CARET = 4
_NEAR_BYTES = 500

# foo.c:12:5:  foo.c:12:  foo.cpp(12):  foo.cpp(12) :  app.ts(3,7):
_PLACE = rb"[^\s:\"'()|]+(?::\d+(?::\d+)?|\(\d+(?:,\d+)?\)) ?: ?"
_TOOL = (
    rb"(?:[\w./+-]*[/-])?(?:cc1(?:plus|obj)?|gcc|g\+\+|clang(?:\+\+)?|c\+\+|rustc|nvcc|icp?[cx]|ifort"
    rb"|gfortran|swiftc|javac|f951)(?:-[\d.]+)?(?:\.exe)?: "
)
_CODE = rb"(?:: | ?[A-Z]{0,5}\d+: | #\d+(?:-D)?: |$)"
_WHERE = BEGIN + rb"((?:" + _PLACE + rb"|" + _TOOL + rb")"

_QUOTE_BEGINS = frozenset(b" |-0123456789")
_GCC_QUOTE = compile_bytes(rb"^ {0,9}(?:\d* *\| ?|--> )")
_POINTER = b" \t~^-"


def quoted_source(window: Window, width: int) -> int:
    """How many lines of quoted source follow a message: gcc's `12 | x`, or up to clang's caret."""
    if _nothing_quoted(window.content[window.after : window.after + _NEAR_BYTES]):
        return 0
    more = 0
    for number, raw in enumerate(window.following(_QUOTED_LINES), start=1):
        body = raw[width:]
        if not body:
            break
        if more == number - 1 and body[0] in _QUOTE_BEGINS and _GCC_QUOTE.search(body):
            more = number
        elif more or number > _TO_CARET or not body.strip():
            break
        elif b"^" in body and not body.strip(_POINTER):
            return number
    return more


def _nothing_quoted(text: bytes) -> bool:
    """Whether the lines that decide are all there, and hold nothing that marks a quote."""
    return not (b"^" in text or b"|" in text or b"->" in text) and text.count(b"\n") >= _TO_CARET


RULES = (
    Rule(
        "compiler/internal",
        rb"internal compiler error|PLEASE (?:submit|ATTACH) ",
        On(
            CRITICAL,
            rb"\binternal compiler error\b|PLEASE (?:submit a bug report|ATTACH THE FOLLOWING)",
            quoted_source,
        ),
        "The compiler itself broke down",
        "Not the source is wrong but the compiler, or the machine was out of memory. Try again; if "
        "it stays, another version of the compiler or a lower optimisation helps.",
    ),
    Rule(
        "compiler/fatal",
        rb"fatal error",
        On(CRITICAL, _WHERE + rb"fatal error" + _CODE + rb")", quoted_source),
        "The compiler gave up on a file",
        "Most often a header that is not there: check the include path and what must be "
        "generated or installed before.",
    ),
    Rule(
        "compiler/error",
        rb"\berror(?:: | ?[A-Z]{0,5}\d+: | #\d+(?:-D)?: |\[E\d{4}\])|: syntax error",
        On(
            ERROR,
            _WHERE + rb"(?:catastrophic )?error" + _CODE + rb")"
            rb"|" + BEGIN + rb"(?:error\[E\d{4}\]: |error: aborting due to )"
            rb"|" + BEGIN + rb"[^\s:]+\.(?:yy?|ll?|[ch]|cc|cpp):\d+(?::\d+)?: syntax error",
            quoted_source,
        ),
        "The compiler refuses the source",
        "The line names the file, the line and the reason. Mend the first one: those after it "
        "often follow from it.",
    ),
    Rule(
        "compiler/warning",
        rb"\bwarning(?:: | ?[A-Z]{0,5}\d+: | #\d+(?:-D)?: )",
        On(WARNING, _WHERE + rb"warning" + _CODE + rb")", quoted_source, even_calm=True),
        "The compiler warns",
        "The source was compiled. A warning that is new since the last good run is worth a look.",
    ),
    Rule(
        "compiler/note",
        rb"\b(?:note|remark): ",
        On(
            HARMLESS,
            BEGIN + rb"(" + _PLACE + rb"(?:note|remark): )",
            quoted_source,
            even_calm=True,
        ),
        "A compiler explains",
        "What a compiler adds to the message above it.",
    ),
)

FAMILY = family("compiler", 1, RULES)
