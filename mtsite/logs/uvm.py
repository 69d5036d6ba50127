"""UVM and OVM reports. The summary's counts of zero are harmless; other counts are errors."""

from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Rule
from mtsite.logs.shape import HARMLESS, On, family

_AT = rb" +(?:\S+\(\d+\) +)?@ *[\d.]+"


def _report(severity: bytes) -> bytes:
    return rb"\b[UO]VM_" + severity + _AT


def _count(severity: bytes, number: bytes) -> bytes:
    return rb"\b[UO]VM_" + severity + rb"(?: count)?[ \t]*:[ \t]*" + number


RULES = (
    Rule(
        "uvm/fatal",
        rb"[UO]VM_FATAL",
        On(CRITICAL, _report(rb"FATAL") + rb"|" + _count(rb"FATAL", rb"[1-9]"), even_calm=True),
        "UVM_FATAL: the simulation stopped here",
        "The id in brackets names the check; the component's path says which instance raised it.",
    ),
    Rule(
        "uvm/error",
        rb"[UO]VM_ERROR",
        On(ERROR, _report(rb"ERROR") + rb"|" + _count(rb"ERROR", rb"[1-9]"), even_calm=True),
        "UVM_ERROR: a check of the testbench failed",
        "Start with the first one: time and instance stand on the line. Run again with its seed.",
    ),
    Rule(
        "uvm/warning",
        rb"[UO]VM_WARNING",
        On(WARNING, _report(rb"WARNING"), even_calm=True),
        "UVM_WARNING",
        "The simulation went on.",
    ),
    Rule(
        "uvm/count",
        rb"[UO]VM_(?:ERROR|FATAL|WARNING|INFO)",
        On(
            HARMLESS,
            _count(rb"(?:ERROR|FATAL)", rb"0+[ \t]*(?:$|[^\d.])")
            + rb"|"
            + _count(rb"(?:WARNING|INFO)", rb"\d")
            + rb"|"
            + rb"\b[UO]VM_INFO"
            + _AT,
            even_calm=True,
        ),
        "A count of the report summary, or an UVM_INFO",
        "Counts of zero, and of what is no error, are no finding.",
    ),
)

FAMILY = family("uvm", 1, RULES)
