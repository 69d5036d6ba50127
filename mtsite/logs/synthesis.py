"""Synthesis and layout: Vivado, Quartus, Design Compiler, Innovus, Yosys, OpenROAD, Synplify."""

from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Rule
from mtsite.logs.shape import BEGIN, On, family

_VIVADO_ID = rb": \[[A-Z]\w*(?: [\w-]+)? \d+-\d+\]"
_SYNOPSYS_ID = rb"[^\r\n]* \([A-Z][A-Z0-9_]*-\d+\)[ \t]*$"

RULES = (
    Rule(
        "synthesis/crash",
        rb"Abnormal program termination|Internal Error: |Fatal: Internal|The tool has just enc",
        On(
            CRITICAL,
            rb"^Abnormal program termination \(|Internal Error: Sub-system: "
            rb"|^Fatal: Internal system error|^The tool has just encountered a fatal error",
        ),
        "The tool itself broke down",
        "Keep its crash report for the vendor; another version or fewer threads may help.",
    ),
    Rule(
        "synthesis/vivado-error",
        rb"ERROR: \[",
        On(ERROR, BEGIN + rb"ERROR" + _VIVADO_ID),
        "Vivado: an error",
        "The id, such as Synth 8-439, is in AMD's answer records.",
    ),
    Rule(
        "synthesis/vivado-warning",
        rb"WARNING: \[",
        On(WARNING, BEGIN + rb"(?:CRITICAL )?WARNING" + _VIVADO_ID, even_calm=True),
        "Vivado: a warning or critical warning",
        "A critical warning often becomes an error in a later step.",
    ),
    Rule(
        "synthesis/quartus-error",
        rb"Error (?:\(\d+\): |: Quartus)",
        On(ERROR, BEGIN + rb"(?:Internal )?Error \(\d+\): ", even_calm=True),
        "Quartus: an error",
        "The number in parentheses is in the message list of the Quartus help.",
    ),
    Rule(
        "synthesis/quartus-warning",
        rb"Warning \(\d+\): ",
        On(WARNING, BEGIN + rb"(?:Critical )?Warning \(\d+\): ", even_calm=True),
        "Quartus: a warning or critical warning",
        "332148 says that timing is not met.",
    ),
    Rule(
        "synthesis/synopsys-error",
        rb"^(?:Severe )?Error: +|^Fatal: ",
        On(ERROR, rb"^(?:(?:Severe )?Error|Fatal): +\S" + _SYNOPSYS_ID),
        "Design Compiler and its relatives: an error",
        "`man ID` in the tool explains the id at the end of the line.",
    ),
    Rule(
        "synthesis/synopsys-warning",
        rb"^Warning: +",
        On(WARNING, rb"^Warning: +\S" + _SYNOPSYS_ID, even_calm=True),
        "Design Compiler and its relatives: a warning",
        "`man ID` in the tool explains the id at the end of the line.",
    ),
    Rule(
        "synthesis/cadence-error",
        rb"\*\*ERROR: |^Error +: ",
        On(
            ERROR,
            BEGIN + rb"\*\*ERROR: \([A-Z]+-\d+\)|^Error +: [^\r\n]*\[[A-Z]+-\d+\]",
        ),
        "Genus or Innovus: an error",
        "`help ID` in the tool explains the id.",
    ),
    Rule(
        "synthesis/cadence-warning",
        rb"\*\*WARN: |^Warning +: ",
        On(
            WARNING,
            BEGIN + rb"\*\*WARN: \([A-Z]+-\d+\)|^Warning +: [^\r\n]*\[[A-Z]+-\d+\]",
            even_calm=True,
        ),
        "Genus or Innovus: a warning",
        "`help ID` in the tool explains the id.",
    ),
    Rule(
        "synthesis/openroad-error",
        rb"\[(?:ERROR|CRITICAL) [A-Z]",
        On(ERROR, BEGIN + rb"\[(?:ERROR|CRITICAL) [A-Z]{2,4}-\d{3,4}\] "),
        "OpenROAD: an error",
        "The three letters are the module, the number is in its list of messages.",
    ),
    Rule(
        "synthesis/openroad-warning",
        rb"\[WARNING [A-Z]",
        On(WARNING, BEGIN + rb"\[WARNING [A-Z]{2,4}-\d{3,4}\] ", even_calm=True),
        "OpenROAD: a warning",
        "The three letters are the module, the number is in its list of messages.",
    ),
    Rule(
        "synthesis/yosys-error",
        rb":\d+: ERROR: |^ERROR: (?:Module|Found|Parser|No such|Can't|syntax)",
        On(
            ERROR,
            rb"^[^\s:]+\.(?:s?vh?|vhdl?|il|blif|lib):\d+: ERROR: |^ERROR: (?:Module `|Found \d+ "
            rb"(?:problems|unproven)|No such command: |Can't open )",
        ),
        "Yosys: an error",
        "The line names the module or the place in the source.",
    ),
    Rule(
        "synthesis/yosys-warning",
        rb"^Warning: (?:Wire|Replacing|Resizing|Driver-driver|multiple)",
        On(
            WARNING,
            rb"^Warning: (?:Wire \S+ is used but has no driver|Replacing memory "
            rb"|Resizing cell port |Driver-driver conflict|multiple conflicting drivers)",
            even_calm=True,
        ),
        "Yosys: a warning",
        "A wire without a driver is most often a name spelt wrongly.",
    ),
    Rule(
        "synthesis/synplify-error",
        rb"^@E: ?",
        On(ERROR, rb"^@E: ?[A-Z]{2}\d+", even_calm=True),
        "Synplify: an error",
        "The two letters and the number are in its list of messages.",
    ),
    Rule(
        "synthesis/synplify-warning",
        rb"^@W: ?",
        On(WARNING, rb"^@W: ?[A-Z]{2}\d+", even_calm=True),
        "Synplify: a warning",
        "The two letters and the number are in its list of messages.",
    ),
)

FAMILY = family("synthesis", 1, RULES)
