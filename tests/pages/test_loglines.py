import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from scanning import findings_of

from mtsite.logs.source import split_lines
from mtsite.model import Finding
from mtsite.pages.loglines import LINE_BYTES, Links, Shown, log_lines

RAW = "../../_blobs/ab/abc.log"
LINKS = Links(RAW)


def finding(first: int, last: int, level: str = "ERROR") -> Finding:
    return Finding("severity", level, first, last, "", "")


class Lines(HTMLParser):
    """Reads the lines back as a browser would: number → text, and every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[int, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.line = 0
        self.outside = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        self.open.append(tag)
        if tag == "div" and (values.get("id") or "").startswith("L"):
            self.line = int((values["id"] or "")[1:])
            self.texts[self.line] = ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "div":
            self.line = 0

    def handle_data(self, data: str) -> None:
        if self.line and "a" not in self.open:
            self.texts[self.line] += data
        elif not self.line:
            self.outside += data


def read(content: bytes, *findings: Finding, shown: Shown | None = None) -> Lines:
    html = log_lines(content, findings, links=LINKS, shown=shown or Shown())
    assert isinstance(html, Markup)
    return Lines(html)


def test_each_line_has_an_anchor_and_links_to_itself() -> None:
    html = log_lines(b"one\ntwo\n", [], links=LINKS)
    assert "<div id=L1><a href=#L1>1</a>one</div>\n<div id=L2><a href=#L2>2</a>two</div>" in html


@pytest.mark.parametrize("content", [b"", b"\n", b"a", b"a\n", b"\n\n", b"a\r\nb\r\n", b"\ta\x0b"])
def test_small_logs_keep_all_their_lines(content: bytes) -> None:
    assert list(read(content).texts) == list(range(1, len(split_lines(content)) + 1))


ATOMS = [
    *[b"\n", b"\r", b"\r\n", b"a", b"<script>", b"&amp;", b'"', b"'", b"\x1b[31m", b"\x1b]0;"],
    *[b"\xff", b"\x00", "é".encode(), "\x9b".encode(), b"\xe2\x80\xa8", b"]]>", b"-->", b"</pre>"],
]
LOGS = st.lists(st.sampled_from(ATOMS)).map(b"".join)


@given(LOGS)
def test_any_log_becomes_its_own_lines_and_only_known_tags(content: bytes) -> None:
    lines = read(content)
    assert list(lines.texts) == list(range(1, len(split_lines(content)) + 1))
    for tag, attributes in lines.tags:
        assert tag in {"div", "a", "span", "details", "summary"}
        assert set(attributes) <= {"id", "href", "class", "open", "data-mt"}
        assert (attributes.get("href") or "#L").startswith("#L")
        assert re.fullmatch(r"[a-z0-9 -]*", attributes.get("class") or "")


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]))))
def test_the_text_of_each_line_comes_back(lines: list[str]) -> None:
    content = "".join(line + "\n" for line in lines).encode()
    assert list(read(content).texts.values()) == lines


@given(LOGS)
def test_fast_and_careful_paths_agree(content: bytes) -> None:
    content = content.replace(b"\r", b"")
    whole = read(content).texts
    with_escape = read(content + b"\n\x1b[1mx\n").texts
    assert all(with_escape[line] == text for line, text in whole.items())


def test_colours_become_classes() -> None:
    html = log_lines(b"\x1b[1;31mred<\x1b[0m\n", [], links=LINKS)
    assert '<span class="a-b a-f1">red&lt;</span>' in html


def test_broken_bytes_and_controls_are_shown() -> None:
    assert read(b"a\xff\x00\x07\n").texts == {1: "a�␀␇"}


def test_the_lines_of_a_finding_are_marked() -> None:
    html = log_lines(b"a\nb\nc\nd\n", [finding(2, 3), finding(4, 4, "CRITICAL")], links=LINKS)
    assert '<div id=L2 class="hit-error hit-first">' in html
    assert '<div id=L3 class="hit-error">' in html
    assert '<div id=L4 class="hit-critical hit-first">' in html
    assert "<div id=L1>" in html


def numbered(count: int) -> bytes:
    return b"".join(b"line %d\n" % line for line in range(1, count + 1))


def test_a_log_under_two_thousand_lines_is_whole() -> None:
    lines = read(numbered(1999))
    assert len(lines.texts) == 1999
    assert "not shown" not in lines.outside


def test_a_longer_log_shows_head_and_tail_and_says_what_is_missing() -> None:
    lines = read(numbered(12_831))
    assert list(lines.texts) == [*range(1, 21), *range(12_792, 12_832)]
    assert all(text == f"line {line}" for line, text in lines.texts.items())
    assert "… 12\u202f771 lines not shown here, the raw log has them" in lines.outside
    assert ("a", {"href": RAW}) in lines.tags


def test_every_finding_of_a_long_log_is_there_with_what_surrounds_it() -> None:
    lines = read(numbered(10_000), finding(5000, 5002), finding(5010, 5010), finding(9990, 9990))
    assert set(lines.texts) == {*range(1, 21), *range(4995, 5016), *range(9961, 10_001)}
    assert lines.outside.count("lines not shown here") == 2


def test_where_pieces_are_many_and_long_fewer_lines_stand_around_a_finding() -> None:
    content = b"".join(b"%d %s\n" % (line, b"x" * 400) for line in range(1, 10_001))
    found = [finding(line, line) for line in range(1000, 9000, 400)]
    lines = read(content, *found)
    assert set(range(998, 1003)) <= set(lines.texts)
    assert 997 not in lines.texts


def test_a_finding_without_end_is_shown_up_to_a_bound() -> None:
    lines = read(numbered(10_000), finding(1000, 9000))
    assert list(lines.texts) == [*range(1, 21), *range(995, 1031), *range(9961, 10_001)]


@given(
    st.lists(st.tuples(st.integers(1, 120), st.integers(0, 30)), max_size=5), st.integers(1, 120)
)
def test_shown_and_hidden_lines_add_up(places: list[tuple[int, int]], total: int) -> None:
    findings = [finding(a, min(a + n, total)) for a, n in places if a <= total]
    shown = Shown(whole_below=20, head=5, tail=5, around=2, longest=10)
    lines = read(numbered(total), *findings, shown=shown)
    hidden = sum(int(n) for n in re.findall(r"(\d+) lines not shown", lines.outside))
    assert len(lines.texts) + hidden == total
    assert list(lines.texts) == sorted(lines.texts)
    assert all(f.first_line in lines.texts for f in findings)


def test_progress_is_folded_above_its_last_state() -> None:
    lines = read(b"start\n10%\r50%\r90%\r100%\nend\n")
    assert lines.texts == {1: "start", 2: "10%", 3: "50%", 4: "90%", 5: "100%", 6: "end"}
    assert "3 earlier states of line 5" in lines.outside
    html = log_lines(b"start\n10%\r50%\r90%\r100%\nend\n", [], links=LINKS)
    folded = html[html.index("<details") : html.index("</details>")]
    assert re.findall(r"id=L(\d+)", folded) == ["2", "3", "4"]


def test_progress_at_the_end_of_a_log_keeps_its_last_state() -> None:
    html = log_lines(b"a\n1\r2\r3\r4\r", [], links=LINKS)
    folded = html[html.index("<details") : html.index("</details>")]
    assert re.findall(r"id=L(\d+)", folded) == ["2", "3", "4"]


def test_a_fold_that_holds_a_finding_is_open() -> None:
    content = b"a\n1\rERROR: x\r3\r4\n"
    assert "<details class=log-fold open>" in log_lines(content, findings_of(content), links=LINKS)


@pytest.mark.parametrize(
    "content", [b"a\r\r\nb\n", b"1\r2\r3\n", b"a\rb\rc\rd\re\r", b"a\r\nb\r\nc\r\nd\r\n"]
)
def test_short_runs_and_old_line_ends_are_not_folded(content: bytes) -> None:
    assert "<details" not in log_lines(content, [], links=LINKS)


def test_a_very_long_line_is_cut_between_characters_and_says_so() -> None:
    content = b"x" * (LINE_BYTES - 1) + "é".encode() * 500 + b"\nnext\n"
    lines = read(content)
    assert lines.texts[1].startswith("x" * (LINE_BYTES - 1) + "… 1000 bytes more of this line")
    assert lines.texts[2] == "next"


def test_the_raw_link_is_escaped() -> None:
    html = log_lines(b"x\n" * 3000, [], links=Links('a"><script>'))
    assert '"a&#34;&gt;&lt;script&gt;"' in html


def test_a_log_of_all_escapes_has_its_numbers_only() -> None:
    lines = read(b"\x1b[31m\n\x1b]0;x\x07\n")
    assert lines.texts == {1: "", 2: ""}


def test_lines_far_down_inherit_the_level_of_a_line_that_is_not_shown() -> None:
    content = b"2026-11-01 02:03:04 INFO start\n" + b"x\n" * 3000 + b"y\n" * 200
    page = log_lines(content, [], links=LINKS, levels=True)
    assert '<div id=L3201 class="lv-info">' in page


@pytest.mark.parametrize("lines", [3, 5000])
def test_lines_of_one_known_level_look_as_if_it_had_been_found(lines: int) -> None:
    content = b"2026-11-01 02:03:04 INFO start\n" * lines
    marked = [finding(2, 3)]
    found = log_lines(content, marked, links=LINKS, levels=True)
    assert log_lines(content, marked, links=LINKS, levels="INFO") == found


def test_a_marked_line_keeps_its_level() -> None:
    content = b"2026-11-01 02:03:04 ERROR start\n"
    page = log_lines(content, [finding(1, 1)], links=LINKS, levels=True)
    assert '<div id=L1 class="lv-error hit-error hit-first">' in page
