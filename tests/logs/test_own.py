"""The site's own rules: [[logs.rule]] of mtsite.toml."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.own import own_rule
from mtsite.logs.rule import Rule
from mtsite.logs.scan import Judged, scan
from mtsite.regex import compile_bytes


def judged(log: bytes, *own: Rule) -> Judged:
    found = scan(log, RuleSet(built_in().families, own))
    assert found.faults == ()
    return found


def test_an_own_rule_names_a_line_before_any_family() -> None:
    rule = own_rule("licence", "licen[cs]e", "critical", "No licence")
    (found,) = judged(b"ok\nERROR: no license left\n", rule).findings
    assert (found.rule, found.level, found.first_line) == ("site/licence", "CRITICAL", 2)
    assert (found.title, found.excerpt) == ("No licence", "ERROR: no license left")


def test_an_own_rule_silences_a_line() -> None:
    rule = own_rule("known", "^ERROR: chatter$", "ignore")
    found = judged(b"ERROR: chatter\nERROR: chatter!\n", rule)
    assert [one.first_line for one in found.findings] == [2]


def test_a_warning_of_an_own_rule_is_no_failure() -> None:
    found = judged(b"ERROR: late\n", own_rule("late", "late", "warning"))
    assert (found.finding_count, found.warning_count) == (0, 1)


@pytest.mark.parametrize(
    ("regex", "link", "want"),
    [
        (r"BUG-(\d+)", "https://bugs.example/{1}", "https://bugs.example/12"),
        (r"BUG-(\d+)", "https://bugs.example/?q={0}", "https://bugs.example/?q=BUG-12"),
        (r"(x)?BUG: .*", "https://b.example/{1}?{0}", "https://b.example/?BUG%3A%20%22%3E%3Cb"),
        (r"BUG", "mailto:ops@site.example", "mailto:ops@site.example"),
    ],
)
def test_a_link_is_filled_with_what_matched(regex: str, link: str, want: str) -> None:
    rule = own_rule("bug", regex, "error", link=link)
    (found,) = judged(b"BUG-12 here\n" if "-" in regex else b'BUG: "><b\n', rule).findings
    assert found.link == want


def test_two_rules_may_name_their_groups_alike() -> None:
    rules = [own_rule(name, f"(?P<id>{name}\\d)", "error") for name in ("a", "b")]
    assert [one.rule for one in judged(b"a1\nb2\n", *rules).findings] == ["site/a", "site/b"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "regex", ["^bad$", "^(?:good|bad)$", r"^[b^$\]]ad$", "(?i)^BAD$", "[[:alpha:]]d$"]
)
def test_beginning_and_end_are_those_of_any_line(regex: str, end: bytes) -> None:
    found = judged(
        end.join([b"x", b"bad", b"bad", b"not bad at all", b""]), own_rule("a", regex, "error")
    )
    assert [one.first_line for one in found.findings] == [2, 3]


PIECES = ["a", "b", "^", "$", ".", "[^a]", "[$]", "x?", "(a|b)", r"\$", r"\Q^\E", "[]a]", " "]


@given(
    st.lists(st.sampled_from(PIECES), max_size=5).map(lambda pieces: "a" + "".join(pieces)),
    st.lists(st.sampled_from(["a", "ab", "a a", "b", "", "a$", "a^", "xa"]), max_size=6),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_a_rule_takes_the_lines_that_its_pattern_matches_alone(
    regex: str, lines: list[str], end: bytes
) -> None:
    rule = own_rule("a", regex, "error")
    found = scan(b"".join(line.encode() + end for line in lines), RuleSet((), (rule,)))
    alone = compile_bytes(regex.encode())
    want = [number for number, line in enumerate(lines, 1) if alone.search(line.encode())]
    assert [one.first_line for one in found.findings] == want


@pytest.mark.parametrize(
    "other",
    [
        own_rule("b", "x", "error"),
        own_rule("a", "y", "error"),
        own_rule("a", "x", "warning"),
        own_rule("a", "x", "error", title="t"),
        own_rule("a", "x", "error", link="https://h/"),
    ],
)
def test_a_changed_rule_changes_the_rule_set(other: Rule) -> None:
    one = own_rule("a", "x", "error")
    assert RuleSet((), (one,)).digest != RuleSet((), (other,)).digest
