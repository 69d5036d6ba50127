"""Verilog and VHDL simulators: VCS, Questa/ModelSim, Xcelium, Verilator, Icarus, GHDL.

Each has its own shape for a message with an id; lines that go on with a message are folded.
"""

from mtsite.logs.compiler import quoted_source
from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Rule, Window
from mtsite.logs.shape import BEGIN, On, family
from mtsite.regex import compile_bytes

_HDL = rb"[^\s:\"']+\.(?:s?vh?|svi|vhdl?):\d+(?::\d+)?: "
_QUESTA = rb"^#? *\*\* "
_QUESTA_ID = rb"(?: \(suppressible\))?(?:: \([\w-]+\) | \([\w-]+\)|:)"
_XCELIUM = rb"\w+: \*"

_VCS_MORE = compile_bytes(rb"^[ \t]+\S|^\"|^[^\s,]+, \d+[ \t]*$")
_VCS_LINES = 20


def vcs_message(window: Window, width: int) -> int:
    """The place (`tb.sv, 12`), quoted source and indented words below a heading of VCS."""
    more = 0
    for number, raw in enumerate(window.following(_VCS_LINES), start=1):
        if not _VCS_MORE.search(raw):
            break
        more = number
    return more


def questa_message(window: Window, width: int) -> int:
    """Questa's `#    Time: 10 ns  Scope: …` belongs to the assertion above it."""
    more = 0
    for number, raw in enumerate(window.following(4), start=1):
        if not raw.lstrip(b"# ").startswith((b"Time: ", b"Region: ")):
            break
        more = number
    return more


RULES = (
    Rule(
        "simulator/vcs-error",
        rb"^(?:Error|Fatal)-\[",
        On(ERROR, rb"^(?:Error|Fatal)-\[[\w-]+\] ", vcs_message, told=2),
        "VCS: an error with an id",
        "The lines below name file and line.",
    ),
    Rule(
        "simulator/vcs-warning",
        rb"^(?:Warning|Lint)-\[",
        On(WARNING, rb"^(?:Warning|Lint)-\[[\w-]+\] ", vcs_message, even_calm=True, told=2),
        "VCS: a warning with an id",
        "The lines below name file and line.",
    ),
    Rule(
        "simulator/vcs-severity",
        rb"^(?:Error|Fatal): \"",
        On(ERROR, rb"^(?:Error|Fatal): \"[^\"]+\", ?\d+: "),
        "VCS: $error or $fatal of the source",
        "File, line, instance and time stand on the line.",
    ),
    Rule(
        "simulator/assertion",
        rb"started at .* failed at|\*[EF],ASRTST|Assertion (?:error|failed)|\(assertion ",
        On(
            ERROR,
            rb"^\"[^\"]+\", ?\d+: [^\r\n]*: started at [^\r\n]* failed at "
            rb"|\*[EF],ASRTST |\*\* Error: Assertion (?:error|failed)"
            rb"|\(assertion (?:error|failure)\): ",
            questa_message,
        ),
        "An assertion of the design or the testbench failed",
        "File, line and time stand on the line; look at the waves from its start on.",
    ),
    Rule(
        "simulator/questa-fatal",
        rb"\*\* (?:Fatal|Failure)",
        On(CRITICAL, _QUESTA + rb"(?:Fatal|Failure)" + _QUESTA_ID, questa_message),
        "Questa or ModelSim: the simulation stopped",
        "`verror NUMBER` explains an id such as vsim-3693.",
    ),
    Rule(
        "simulator/questa-error",
        rb"\*\* (?:Error|at )",
        On(ERROR, _QUESTA + rb"Error" + _QUESTA_ID, questa_message),
        "Questa or ModelSim: an error",
        "`verror NUMBER` explains an id such as vsim-3033.",
    ),
    Rule(
        "simulator/questa-warning",
        rb"\*\* Warning",
        On(WARNING, _QUESTA + rb"Warning" + _QUESTA_ID, questa_message, even_calm=True),
        "Questa or ModelSim: a warning",
        "`verror NUMBER` explains an id such as vsim-3015.",
    ),
    Rule(
        "simulator/xcelium-fatal",
        rb"\*F,[A-Z]",
        On(CRITICAL, _XCELIUM + rb"F,[A-Z0-9]{4,}", even_calm=True),
        "Xcelium or Incisive: a fatal error",
        "`xmhelp TOOL ID` (or nchelp) explains the id.",
    ),
    Rule(
        "simulator/xcelium-error",
        rb"\*(?:E|SE),[A-Z]",
        On(ERROR, _XCELIUM + rb"(?:E|SE),[A-Z0-9]{4,}", even_calm=True),
        "Xcelium or Incisive: an error",
        "`xmhelp TOOL ID` (or nchelp) explains the id; file and column stand in parentheses.",
    ),
    Rule(
        "simulator/xcelium-warning",
        rb"\*W,[A-Z]",
        On(WARNING, _XCELIUM + rb"W,[A-Z0-9]{4,}", even_calm=True),
        "Xcelium or Incisive: a warning",
        "`xmhelp TOOL ID` (or nchelp) explains the id.",
    ),
    Rule(
        "simulator/verilator-error",
        rb"%(?:Error|Fatal)",
        On(
            ERROR,
            BEGIN + rb"%(?:Error|Fatal)(?:-[A-Z0-9]+)?: ",
            quoted_source,
            even_calm=True,
        ),
        "Verilator: an error, or a $stop or failed assertion while it ran",
        "Verilator's manual has a section for each id.",
    ),
    Rule(
        "simulator/verilator-warning",
        rb"%Warning",
        On(WARNING, BEGIN + rb"%Warning(?:-[A-Z0-9]+)?: ", quoted_source, even_calm=True),
        "Verilator: a warning",
        "Verilator's manual has a section for each id.",
    ),
    Rule(
        "simulator/icarus-fatal",
        rb"FATAL: \S+:\d+: ",
        On(CRITICAL, rb"^FATAL: " + _HDL),
        "Icarus Verilog: $fatal of the source",
        "File and line stand on the line.",
    ),
    Rule(
        "simulator/icarus-error",
        rb"\.(?:s?vh?|svi|vhdl?):\d+(?::\d+)?: ?(?:@\S+:\(|syntax error|error: |error:)"
        rb"|ERROR: \S+:\d+: |^I give up\.",
        On(
            ERROR,
            BEGIN + _HDL + rb"(?:syntax error|error: )|^ERROR: " + _HDL + rb"|^I give up\."
            rb"|\.vhdl?:\d+:\d+:(?:error: |@\S+:\(report error\): )",
        ),
        "Icarus Verilog or GHDL refuses the source, or $error was called",
        "File and line stand on the line.",
    ),
)

FAMILY = family("simulator", 1, RULES)
