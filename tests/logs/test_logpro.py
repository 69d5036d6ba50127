from typing import Any

import pytest

from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.logpro import FAMILY, claims, status_of_exit
from mtsite.logs.logpro_summary import read_summary
from mtsite.logs.scan import Judged, scan
from mtsite.logs.source import split_lines

SUMMARY = "==========================LOGPRO SUMMARY=========================="
HEAD = """<html><header>LOGPRO RESULTS</header><body>
Summary is <a href="#summary">here</a>
<br>(processed by logpro version {version}, tool details at: <a href="http://x">logpro</a>)
<hr><pre>
"""


def took(key: int, count: int, kind: str, text: str) -> str:
    link = f'<a name="key_{key}_{count}"></a><a href="#key_{key}_{count + 1}"'
    return f'{link} class="{kind}">{text}</a>'


def row(key: int, kind: str, status: str, *cells: str, count: int = 0) -> str:
    link = f'<a name="key_{key}_{count + 1}"></a><a href="#key_{key}_1">rule-{key}</a>'
    rest = "".join(f"<td>{cell}</td>" for cell in ("in", "LogFileBody", status, *cells))
    return f'<tr><td class="x">{link}</td><td class="x">{kind}</td>{rest}<td>\n</td></tr>'


PAGE = HEAD.format(version="1.15") + "\n".join(
    [
        "begin",
        took(2, 1, "error", "ERROR: a < b & c"),
        took(3, 1, "ignore", "ERROR: known"),
        took(2, 2, "error", "ERROR: again"),
        took(4, 1, "warning", "Warning: w"),
        took(6, 1, "abort", "CRASH!!!"),
        took(8, 1, "check", "look"),
        '<a name="summary"></a>',
        SUMMARY,
        '<a name="Init_table" href="#Init">Trigger: Init             FAIL, count=0</a>',
        '<a name="L_table" href="#L">Trigger: LogFileBodyStart              OK, count=1</a>',
        "</pre><p><table>",
        "<tr><th>RuleNum</th><th>RuleType</th></tr>",
        row(0, "Required", "FAIL", "&gt;", "0", "A header", "0"),
        row(1, "Value", "FAIL", "1.9", "+/-", "0.1", "2.3", "0", "1", count=1),
        row(2, "Error", "FAIL", "=", "0", "No errors", "2", count=2),
        row(3, "Ignore", "OK", "&lt;", "99", "Known ones", "1", count=1),
        row(4, "Warning", "FAIL", "=", "0", "No warnings", "1", count=1),
        row(5, "Value", "OK", "&gt;", "", "3", "4", "1", "0", count=1),
        row(6, "Abort", "FAIL", "=", "0", "No crash", "1", count=1),
        row(7, "Required-warn", "FAIL", "=", "1", "Banner", "0"),
        row(8, "Check", "OK", "=", "1", "Look", "1", count=1),
        row(9, "Skip", "FAIL", "=", "0", "Nothing to do", "0"),
        "</table>",
        '<h1 class="exitcode">EXIT CODE: 1 (FAIL',
        ")</h1></body></html>",
        "",
    ]
)
OLD_PAGE = HEAD.format(version="1.09") + "\n".join(
    [
        '<a name="key_19_1"></a><a href="#key_19_2" style="background-color: white; color: red;">'
        "ERROR: real</a>",
        '<a name="#f"></a><a href="#f" style="background-color: white; color: blue;">begin</a>',
        '<a name="key_2_1"></a><a href="#key_2_2" style="background-color: white; color: brown;">'
        "ERROR: waived</a>",
        '<a name="summary"></a>',
        SUMMARY,
        "Trigger: LogFileBodyStart              OK, count=1",
        "<p>Expects for LogFileBody section: ",
        '<font color="red"><a name="key_19_2"></a><a href="#key_19_1">Expect:</a>  Error    in '
        "LogFileBody  FAIL, expected = 0 of ERROR BLAH, got 1</font>",
        '<font color="red"><a name="key_15_3"></a><a href="#key_15_1">Expect:</a>  Value    in '
        "LogFileBody  FAIL, expected >  1.9 got 1.92, 1 pass, 1 fail</font>",
        '<font color="red"><a name="key_4_1"></a>Expect:  Required in LogFileBody  FAIL, '
        "expected > 0 of Something, got 0</font>",
        '<font color="brown"><a name="key_2_2"></a><a href="#key_2_1">Expect:</a>  Waive    in '
        "My section          OK, expected = 1 of Waived, got 1</font>",
        "</pre></body></html>",
    ]
)
PRINTED = "\n".join(
    [
        "LOGPRO: hit trigger LogFileBodyStart on line 0",
        "LOGPRO Error: No errors = 0 in section LogFileBody on line 3",
        "ERROR: real",
        SUMMARY,
        "Trigger: LogFileBodyStart              OK, count=1",
        "",
        "Expects for LogFileBody section: ",
        "Expect: rule-7 Error    in LogFileBody  FAIL, expected = 0 of No errors, got 1",
    ]
)
DAT = """[rule-3]
operator in
section LogFileBody
desc Voltage
status FAIL
expected 1.9
measured 2.3
type +/-
tolerance 0.1
pass 0
fail 1

[rule-4]
operator in
section LogFileBody
desc Current
status OK
expected 2
measured 1
type <
pass 1
fail 0

[rule-5]
type Warning
operator in
section LogFileBody
status FAIL
compsym =
value 0
desc No warnings
count 2

[final]
exit-code 1
exit-status FAIL
message Voltage
message No warnings
"""


def judge(text: str, name: str = "lint.html") -> Judged:
    return scan(text.encode(), RuleSet((FAMILY,)), name)


def said(judged: Judged) -> list[tuple[str, str, int, str]]:
    both = sorted((*judged.findings, *judged.warnings), key=lambda found: found.first_line)
    return [(found.rule, found.level, found.first_line, found.excerpt) for found in both]


def at(text: str, part: str) -> int:
    return next(n for n, line in enumerate(split_lines(text.encode()), 1) if part.encode() in line)


def test_the_lines_that_failed_rules_took_are_the_findings_of_a_page() -> None:
    assert said(judge(PAGE)) == [
        ("logpro/error", "ERROR", 6, "ERROR: a < b & c"),
        ("logpro/error", "ERROR", 8, "ERROR: again"),
        ("logpro/warning", "WARNING", 9, "Warning: w"),
        ("logpro/abort", "CRITICAL", 10, "CRASH!!!"),
        ("logpro/trigger", "ERROR", 14, "Init: trigger: expected > 0, got 0"),
        (
            *("logpro/required", "ERROR", at(PAGE, "A header")),
            "A header: required in LogFileBody: expected > 0, got 0",
        ),
        (
            *("logpro/value", "ERROR", at(PAGE, "2.3")),
            "value in LogFileBody: expected 1.9 +/- 0.1, got 2.3",
        ),
        (
            *("logpro/required-warn", "WARNING", at(PAGE, "Banner")),
            "Banner: required-warn in LogFileBody: expected = 1, got 0",
        ),
        (
            *("logpro/skip", "WARNING", at(PAGE, "Nothing to do")),
            "Nothing to do: skip in LogFileBody: expected = 0, got 0",
        ),
    ]


def test_the_description_of_the_rule_is_the_title() -> None:
    assert [found.title for found in judge(PAGE).findings[:2]] == ["No errors", "No errors"]


def test_an_older_page_says_the_same_in_lines_of_text() -> None:
    assert said(judge(OLD_PAGE)) == [
        ("logpro/error", "ERROR", 5, "ERROR: real"),
        ("logpro/value", "ERROR", 13, "value in LogFileBody: expected > 1.9, got 1.92"),
        (
            *("logpro/required", "ERROR", 14),
            "Something: required in LogFileBody: expected > 0, got 0",
        ),
    ]
    assert judge(OLD_PAGE).facts["rules"][-1] == {
        "rule": "rule-2",
        "type": "waive",
        "section": "My section",
        "status": "OK",
        "description": "Waived",
        "expected": "= 1",
        "measured": "1",
        "line": 15,
    }


def test_what_logpro_prints_has_the_rows() -> None:
    assert said(judge(PRINTED, "lint_logpro.log")) == [
        ("logpro/error", "ERROR", 8, "No errors: error in LogFileBody: expected = 0, got 1")
    ]


def test_a_dat_file_has_a_row_per_section_and_the_verdict() -> None:
    judged = judge(DAT, "lint.dat")
    assert said(judged) == [
        *[
            (
                "logpro/value",
                "ERROR",
                1,
                "Voltage: value in LogFileBody: expected 1.9 +/- 0.1, got 2.3",
            )
        ],
        *[
            (
                "logpro/warning",
                "WARNING",
                24,
                "No warnings: warning in LogFileBody: expected = 0, got 2",
            )
        ],
    ]
    facts = judged.facts
    assert (facts["exit_code"], facts["status"], facts["message"]) == (1, "FAIL", "Voltage")
    assert [(rule["rule"], rule["status"]) for rule in facts["rules"]] == [
        *[("rule-3", "FAIL"), ("rule-5", "FAIL"), ("rule-4", "OK")]
    ]
    assert facts["rules"][2]["expected"] == "< 2"


def test_an_exit_code_that_no_rule_explains_is_a_finding() -> None:
    assert said(judge("[final]\nexit-code 1\nexit-status FAIL\nmessage bad rules\n", "a.dat")) == [
        ("logpro/exit", "ERROR", 1, "exit code 1 (FAIL) bad rules")
    ]


def test_a_page_that_was_cut_has_no_verdict() -> None:
    judged = judge(PAGE[:400])
    assert (said(judged), judged.facts["exit_code"]) == ([], None)


def test_a_heading_in_the_log_itself_is_not_the_summary() -> None:
    text = PAGE.replace("begin", f"{SUMMARY}\nExpect: Error in X FAIL, expected = 0 of y, got 1")
    assert said(judge(text))[0] == ("logpro/error", "ERROR", 7, "ERROR: a < b & c")
    assert len(said(judge(text))) == len(said(judge(PAGE)))


@pytest.mark.parametrize(
    ("code", "by_logpro", "status"),
    [
        *[(0, True, "PASS"), (1, True, "FAIL"), (2, True, "WARN"), (3, True, "CHECK")],
        *[(4, True, "WAIVED"), (5, True, "ABORT"), (6, True, "SKIP"), (7, True, "FAIL")],
        *[(-9, True, "FAIL"), (0, False, "PASS"), (2, False, "FAIL"), (6, False, "FAIL")],
    ],
)
def test_an_exit_code_is_a_status(code: int, by_logpro: bool, status: str) -> None:
    assert status_of_exit(code, by_logpro=by_logpro) == status


@pytest.mark.parametrize(
    ("head", "claimed"),
    [
        *[(PAGE, True), (OLD_PAGE, True), (PRINTED, True), (DAT, True)],
        *[("[setup]\noperator in\n", False), ("<html><body>LOGPRO</body>", False), ("", False)],
    ],
)
def test_logpros_files_are_known(head: str, claimed: bool) -> None:
    assert claims("x", head.encode()) is claimed


@pytest.mark.parametrize(
    "line",
    ["Expect: a in" + " " * 4000, "<td>" * 1000, "Trigger: " + "x OK " * 800, "<" * 4000],
)
def test_a_hostile_summary_takes_no_time(line: str) -> None:
    text = HEAD.format(version="1.15") + SUMMARY + "\n" + f"{line}\n" * 2_000
    facts: Any = judge(text).facts
    assert facts["rule_count"] <= 2_000


def test_more_rules_than_are_kept_are_counted() -> None:
    text = SUMMARY + "\nExpect: rule-7 Error in X FAIL, expected = 0 of y, got 1" * 700
    summary = read_summary(text.encode())
    assert (len(summary.rows), summary.row_count) == (500, 700)


def test_the_family_is_among_the_built_in_ones() -> None:
    assert FAMILY in built_in().families
    assert not built_in().faults
