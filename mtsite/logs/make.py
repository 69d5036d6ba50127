"""GNU make and its relatives: the command that failed is named last, the reason stands above."""

from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Rule
from mtsite.logs.shape import BEGIN, HARMLESS, On, family

_MAKE = BEGIN + rb"[\w./+-]*make(?:\.exe|\.EXE)?(?:\[\d+\])?: "

RULES = (
    Rule(
        "make/ignored",
        rb"\(ignored\)|Waiting for unfinished jobs",
        On(
            HARMLESS,
            _MAKE + rb"(?:\[[^\r\n]*\] Error \d+ \(ignored\)|\*\*\* Waiting for unfinished jobs)",
            even_calm=True,
        ),
        "make goes on",
        "A command failed whose failure the makefile ignores.",
    ),
    Rule(
        "make/no-rule",
        rb"No rule to make target",
        On(ERROR, rb"No rule to make target"),
        "make doesn't know how to make something",
        "A source file is missing, or a makefile names it wrongly.",
    ),
    Rule(
        "make/crashed",
        rb"\*\*\* \[",
        On(
            CRITICAL,
            _MAKE + rb"\*\*\* \[[^\r\n]*\] (?:Segmentation fault|Aborted|Bus error"
            rb"|Illegal instruction|Floating point exception)",
        ),
        "A command that make ran crashed",
        "The program itself died by a signal: look for its last words above.",
    ),
    Rule(
        "make/failed",
        rb"\*\*\* \[",
        On(
            ERROR,
            _MAKE + rb"\*\*\* \[[^\r\n]*\] (?:Error -?\d|Killed|Terminated|Interrupt|Hangup)"
            rb"|" + _MAKE + rb"\*\*\* \[[^\r\n]*\] [^\r\n]*\bError\b",
        ),
        "A command that make ran failed",
        "The reason is in the lines above, of a parallel make often far above.",
    ),
    Rule(
        "make/stopped",
        rb": \*\*\* ",
        On(
            ERROR,
            BEGIN + rb"[\w./+-]+(?::\d+|(?:\[\d+\])?): \*\*\* [^\r\n]*Stop\.",
        ),
        "make can't read the makefile or go on",
        "The line names the makefile and the reason.",
    ),
    Rule(
        "make/warning",
        rb"\b[Ww]arning: +(?:overriding|ignoring old|jobserver|Clock skew|File )",
        On(
            WARNING,
            BEGIN
            + rb"[\w./+-]+(?::\d+|(?:\[\d+\])?): [Ww]arning: +(?:overriding (?:commands|recipe)"
            rb"|ignoring old (?:commands|recipe)|jobserver unavailable|Clock skew detected"
            rb"|File \S+ has modification time)",
            even_calm=True,
        ),
        "make warns",
        "A wrong clock can leave things unbuilt; two recipes for one target hide one of them.",
    ),
)

FAMILY = family("make", 1, RULES)
