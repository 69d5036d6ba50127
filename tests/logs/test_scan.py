import gzip
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scanning import judged

from mtsite.logs import ansi
from mtsite.logs.families import built_in
from mtsite.logs.family import Family
from mtsite.logs.rule import Rule, Sighting, Window, masked_hash, masked_line
from mtsite.logs.scan import SHOWN
from mtsite.logs.source import decode_line, split_lines
from mtsite.model import Finding

GENERIC = tuple(family for family in built_in().families if family.claims is None)
HERE = Path(__file__).parent
REAL = HERE.parent / "data" / "logs"


def scan(content: bytes) -> tuple[list[Finding], int]:
    found = judged(content, *GENERIC)
    return list(found.findings), found.finding_count


def severity_pairs() -> list[tuple[str, str]]:
    lines = (HERE / "severity.txt").read_text().splitlines()
    pairs = (line.split(" | ", 1) for line in lines if not line.startswith("#"))
    return [(level.strip(), text.replace("\\e", "\x1b")) for level, text in pairs]


def traceback_blocks() -> list[tuple[str, str]]:
    blocks = (HERE / "tracebacks.txt").read_text().split("\n", 1)[1].split("----\n")
    return [(want, log) for want, log in (block.split("\n\n", 1) for block in blocks)]


@pytest.mark.parametrize(("level", "line"), severity_pairs())
def test_a_line_is_found_for_what_it_says(level: str, line: str) -> None:
    findings, count = scan(f"first\n{line}\nlast\n".encode())
    assert count == len(findings) == (level != "-")
    for finding in findings:
        assert (finding.level, finding.first_line, finding.last_line) == (level, 2, 2)


@pytest.mark.parametrize(("want", "log"), traceback_blocks())
def test_a_traceback_is_one_finding_with_its_exception(want: str, log: str) -> None:
    findings, _ = scan(log.encode())
    seen = [f"{f.first_line}-{f.last_line} {f.level} {f.excerpt}" for f in findings]
    assert seen == want.splitlines()


def runner_blocks() -> list[tuple[str, str]]:
    blocks = (HERE / "runners.txt").read_text().split("\n", 1)[1].split("\n----\n")
    return [(want, log) for want, log in (block.split("\n\n", 1) for block in blocks)]


@pytest.mark.parametrize(("want", "log"), runner_blocks())
def test_the_first_finding_of_a_runner_says_why(want: str, log: str) -> None:
    findings, _ = scan(log.encode())
    seen = [f"{f.first_line}-{f.last_line} {f.level} {f.excerpt}" for f in findings]
    assert seen == want.splitlines()


TEXTS = [
    *["", "fine", "x.c:1: error: no", "\x1b[31mERROR\x1b[m: y", "0 errors", "FAILED", "z" * 5000],
    *["Traceback (most recent call last):", "  File x", "KeyError: 1"],
]
LINES = st.lists(
    st.tuples(st.sampled_from(TEXTS), st.sampled_from(["\n", "\r\n", "\r"])), max_size=12
)


@given(LINES)
def test_findings_lie_on_the_lines_of_the_splitter(lines: list[tuple[str, str]]) -> None:
    content = "".join(text + end for text, end in lines).encode()
    numbered = split_lines(ansi.strip(content))
    findings, count = scan(content)
    assert count == len(findings)
    before = 0
    for finding in findings:
        assert before < finding.first_line <= finding.last_line <= len(numbered)
        covered = numbered[finding.first_line - 1 : finding.last_line]
        assert any(finding.excerpt in decode_line(line)[0] for line in covered)
        before = finding.last_line


@given(LINES)
def test_every_line_is_judged_alone_unless_in_a_traceback(lines: list[tuple[str, str]]) -> None:
    texts = [text for text, _ in lines if "Traceback" not in text]
    alone = sum(scan(text.encode())[1] for text in texts)
    assert scan("\n".join(texts).encode())[1] == alone


def test_all_findings_are_counted_and_the_first_are_kept() -> None:
    findings, count = scan(b"ERROR: x\n" * 5000)
    assert count == 5000
    assert [f.first_line for f in findings] == list(range(1, SHOWN + 1))


@pytest.mark.parametrize("content", [b"", b"\n", b"\r", b"\xff\xfe\x00", b"x" * 10])
def test_a_log_without_failures_has_none(content: bytes) -> None:
    assert scan(content) == ([], 0)


def test_a_failure_deep_in_a_huge_line_is_shown_with_what_surrounds_it() -> None:
    findings, count = scan(b"x " * 3_000_000 + b"fatal error: here " + b"y " * 3_000_000)
    assert count == 1
    assert "fatal error: here" in findings[0].excerpt
    assert len(findings[0].excerpt) <= 500


def test_a_huge_line_of_hits_is_one_finding_in_linear_time() -> None:
    started = time.process_time()
    assert scan(b"error: " * 2_000_000)[1] == 1
    assert time.process_time() - started < 5


def test_control_characters_of_an_excerpt_are_made_visible() -> None:
    (finding,), _ = scan(b"ERROR: \x00\x07 \x1b[31mred\n")
    assert finding.excerpt == "ERROR: ␀␇ red"


def test_rules_are_tried_in_order_and_the_first_that_takes_a_line_wins() -> None:
    def never(window: Window) -> Sighting | None:
        return None

    def whole(window: Window) -> Sighting | None:
        return Sighting("WARNING", window.line(), more_lines=1)

    rules = (Rule("a/x", b"xx", never), Rule("a/y", b"yy", whole), Rule("a/z", b"yy", whole))
    found = judged(b"1\nxx yy\n3\nyy\n", Family("a", 1, rules))
    assert (found.finding_count, found.warning_count) == (0, 2)
    assert [(f.rule, f.first_line, f.last_line) for f in found.warnings] == [
        ("a/y", 2, 3),
        ("a/y", 4, 5),
    ]


def test_tags_and_entities_of_an_html_log_are_not_shown() -> None:
    log = (
        b"<html><body>\n<p>Expect: errors = 0 in LogFileBody. Outcome: <b>FAIL</b></p>\n<pre>\n"
        b'<a name="4"></a><font color="red">a.sv(3): ERROR [W] &#x27;q&#x27; &lt;b&gt;</font>\n'
        b"</pre></body></html>\n"
    )
    (finding,), count = scan(log)
    assert (finding.first_line, count) == (4, 1)
    assert finding.excerpt == "a.sv(3): ERROR [W] 'q' <b>"


def test_what_looks_like_tags_stays_in_a_text_log() -> None:
    (finding,), _ = scan(b"a.cc:1: error: no matching function for 'f<int>' &amp;\n")
    assert "f<int>' &amp;" in finding.excerpt


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("2026-11-01 02:03:04,123 [4711] /tmp/a/b.c:12: error", "T [#] P:#: error"),
        ("at 0xdeadBEEF took 1.5 s", "at X took # s"),
        ("took 150ms of 1h 2m 3s", "took # s of # s"),
        ("conv2d of 1.5e-9", "conv#d of #"),
        ("Nov 22 10:11:12 host app[12]: died", "T host app[#]: died"),
        ("[Sun Nov  2 10:11:12 2026] died", "[T] died"),
        ("Mon Dec 21 10:11:12 UTC 2026 died", "T died"),
        ("Mon, 21 Dec 2026 10:11:12 +0100 died", "T died"),
        ("21/May/2026:10:11:12 +0000 died", "T died"),
        ("10:11:12 PM died", "T died"),
        ("src/a.c:12:34: error", "src/a.c:#:#: error"),
        ("10.0.0.1:8080 and 10.0.0.177:80", "#:# and #:#"),
        ("file:///tmp/x.c of 1,234,567", "P of #"),
        ("March in May is Sunny", "March in May is Sunny"),
        ("job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 died", "job X died"),
        ("[fe80::1ff:fe23:4567:890a]:80 refused", "[X]:# refused"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334 refused", "X refused"),
        ("00:1b:44:11:3a:b7 refused", "X refused"),
        ("std::vector of a.py::test_2", "std::vector of a.py::test_#"),
        ("commit 9f86d081884c died", "commit X died"),
        ("decade facade", "decade facade"),
    ],
)
def test_what_differs_from_run_to_run_is_masked(text: str, masked: str) -> None:
    assert masked_line(text) == masked


def test_the_same_failure_of_another_night_has_the_same_hash() -> None:
    one = "2026-11-01 02:03:04 pid 12: cannot open /tmp/x1/a.db"
    other = "2026-11-02 22:13:14 pid 4711: cannot open /tmp/x2/b.db"
    assert masked_hash(one) == masked_hash(other) != masked_hash("cannot close it")


@pytest.mark.parametrize(
    ("name", "first_line", "count"),
    [
        ("20131007_devstack_export.log", 7, 3),
        ("devstack@c-vol.service.log.txt", 2, 1),
        ("devstack@c-api.service.log.txt", 0, 0),
        ("screen-c-api.txt.gz", 0, 0),
        ("xpcshell-multiple.txt.gz", 4229, 4),
    ],
)
def test_real_logs_have_their_failures_found(name: str, first_line: int, count: int) -> None:
    content = (REAL / name).read_bytes()
    findings, found = scan(gzip.decompress(content) if name.endswith(".gz") else content)
    assert found == count
    assert (findings[0].first_line if findings else 0) == first_line
