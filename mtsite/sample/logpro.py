"""What logpro leaves beside a step's log: the annotated page and the machine-readable summary.

Both have the form of logpro 1.15, which does not escape the lines of a log.
"""

from html import escape
from typing import NamedTuple

from mtsite.sample.history import SampleStep, SampleTest

_EXIT_CODES = {"PASS": 0, "FAIL": 1, "WARN": 2, "CHECK": 3, "WAIVED": 4, "ABORT": 5, "SKIP": 6}


class _Rule(NamedTuple):
    """One rule of the sample's step.logpro; a line that holds one of `words` is taken."""

    kind: str
    comparison: str
    value: int
    description: str
    words: tuple[str, ...]


_REQUIRED = _Rule("Required", ">", 0, "The step began", ("analysing",))
_ERROR = _Rule("Error", "=", 0, "New messages", ("ERROR", "FATAL", "Error:"))
_WARNING = _Rule("Warning", "=", 0, "Remarks", ("WARNING", "Warning:"))
_CHECK = _Rule("Check", "=", 0, "Somebody should look", ("CHECK", "WARNING", "Warning:"))


class _Judged(NamedTuple):
    """A rule with the lines (counted from 0) that it took."""

    number: int
    rule: _Rule
    lines: tuple[int, ...]

    @property
    def status(self) -> str:
        """How the rule went."""
        many = len(self.lines)
        met = many > self.rule.value if self.rule.comparison == ">" else many == self.rule.value
        return "OK" if met else "FAIL"


def annotated(test: SampleTest, step: SampleStep, log: bytes) -> bytes:
    """`<step>.html`: the log again, with the lines marked that a rule took, and a table."""
    lines = log.decode("utf-8", "replace").splitlines()
    judged = _judge(test, lines)
    marks = {line: (each, n) for each in judged for n, line in enumerate(each.lines, 1)}
    head = (
        '<html>\n<link rel="stylesheet" type="text/css" href="logpro_style.css">\n'
        "<header>LOGPRO RESULTS</header><body>\n"
        'Summary is <a href="#summary">here</a>\n'
        "<br>(processed by logpro version 1.15, tool details at: "
        '<a href="http://www.kiatoa.com/fossils/logpro">logpro</a>)\n<hr><pre>\n'
    )
    body = "\n".join(_marked(text, marks.get(number)) for number, text in enumerate(lines))
    code, status = _exit(test)
    rows = "".join(_row(each) for each in judged)
    tail = (
        '\n<a name="summary"></a>\n'
        "==========================LOGPRO SUMMARY==========================\n"
        '<a name="LogFileBodyStart_table" href="#LogFileBodyStart">'
        "Trigger: LogFileBodyStart              OK, count=1</a>\n</pre><p><table>\n"
        "<tr><th>RuleNum</th><th>RuleType</th><th></th><th>Section</th><th>Status</th>"
        "<th>Comp</th><th>Count/Val</th><th>Desc</th><th>Count</th></tr>\n"
        f"{rows}</table>\n"
        f'<h1 class="exitcode">EXIT CODE: {code} ({status}\n)</h1></body></html>\n'
    )
    return (head + body + tail).encode()


def summary(test: SampleTest, log: bytes) -> bytes:
    """`<step>.dat`: one section per rule and the final verdict."""
    judged = _judge(test, log.decode("utf-8", "replace").splitlines())
    code, status = _exit(test)
    lines: list[str] = []
    for each in judged:
        rule = each.rule
        lines += [
            *(f"[rule-{each.number}]", f"type {rule.kind}", "operator in", "section LogFileBody"),
            *(f"status {each.status}", f"compsym {rule.comparison}", f"value {rule.value}"),
            *(f"desc {rule.description}", f"count {len(each.lines)}", ""),
        ]
    failed = [f"message {each.rule.description}" for each in judged if each.status == "FAIL"]
    lines += ["[final]", f"exit-code {code}", f"exit-status {status}", *failed]
    return ("\n".join(lines) + "\n").encode()


def _exit(test: SampleTest) -> tuple[int, str]:
    status = test.status if test.status in _EXIT_CODES else "FAIL"
    return _EXIT_CODES[status], status


def _judge(test: SampleTest, lines: list[str]) -> list[_Judged]:
    """The rules over the log; the first that a line meets takes it."""
    second = _CHECK if test.status == "CHECK" else _WARNING
    took: dict[_Rule, list[int]] = {_REQUIRED: [], _ERROR: [], second: []}
    for number, text in enumerate(lines):
        for rule, taken in took.items():
            if any(word in text for word in rule.words):
                taken.append(number)
                break
    return [_Judged(n, rule, tuple(taken)) for n, (rule, taken) in enumerate(took.items())]


def _marked(text: str, mark: tuple[_Judged, int] | None) -> str:
    if mark is None:
        return text
    judged, count = mark
    name = f"key_{judged.number}_"
    return (
        f'<a name="{name}{count}"></a><a href="#{name}{count + 1}" '
        f'class="{judged.rule.kind.lower()}">{text}</a>'
    )


def _row(judged: _Judged) -> str:
    rule, count = judged.rule, len(judged.lines)
    kind, name = rule.kind.lower(), f"key_{judged.number}_"
    comparison, told = escape(rule.comparison), escape(rule.description)
    cells = ("in", "LogFileBody", judged.status, comparison, str(rule.value), told)
    return (
        f'<tr><td class="{kind}"><a name="{name}{count + 1}"></a><a href="#{name}1">'
        f'rule-{judged.number}</a></td><td class="{kind}">{rule.kind}</td>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + f"<td>{count}</td><td>\n</td></tr>\n"
    )
