"""One page as `check` reads it: links, places, policy, landmarks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.check.page import PageReader, PageScan, resolve

POLICY = "default-src 'none'; script-src 'self'"
FRAME = (
    '<!doctype html><html lang="en"><head>'
    '<meta http-equiv="Content-Security-Policy" content="{policy}"><title>t</title></head>'
    "<body><main><h1>t</h1>{body}</main></body></html>"
)


def scanned(body: str, policy: str = POLICY) -> PageScan:
    return PageReader().read("a/b/page.html", FRAME.format(policy=policy, body=body).encode())


def told(body: str, policy: str = POLICY) -> list[str]:
    return [found.told for found in scanned(body, policy).findings]


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="x.html">',
        "<a href='x.html'>",
        "<a href=x.html>",
        "<A HREF=x.html>",
        '<a title="a > b" href="x.html">',
        '<a\nhref = "x.html"\n>',
        '<img src="x.html">',
        '<img srcset="x.html 2x">',
        '<form action="x.html">',
        '<meta http-equiv="refresh" content="0; url=x.html">',
        '<div data-strips="x.html">',
    ],
)
def test_a_link_is_found_however_it_is_written(tag: str) -> None:
    assert scanned(tag).links == {"x.html"}


@pytest.mark.parametrize(
    "text",
    ["<!-- <a href=x.html> -->", "&lt;a href=&#34;x.html&#34;&gt;", "wget href=x.html", "a < b"],
)
def test_what_is_no_tag_has_no_link(text: str) -> None:
    assert scanned(text).links == set()


@pytest.mark.parametrize(
    ("link", "path", "fragment"),
    [
        ("../c/index.html#L3", "a/c/index.html", "L3"),
        ("#here", "a/b/page.html", "here"),
        ("", "a/b/page.html", ""),
        ("?q=1#x", "a/b/page.html", "x"),
        ("x~2Fy%20z.html", "a/b/x~2Fy z.html", ""),
        ("https://example.org/x", "", ""),
        ("mailto:a@example.org", "", ""),
        ("//example.org/x", "///example.org/x", ""),
        ("ftp://example.org/x", "/ftp://example.org/x", ""),
        ("/x.html", "/x.html", ""),
        ("../../../x.html", "../", ""),
    ],
)
def test_where_a_link_leads(link: str, path: str, fragment: str) -> None:
    assert resolve("a/b/page.html", link) == (path, fragment)


def test_the_sites_own_address_is_no_other_host() -> None:
    body = '<script src="https://runs.example/_assets/v1/site.js"></script>'
    page = FRAME.format(policy=POLICY, body=body).encode()
    scan = PageReader("https://runs.example/").read("a/b.html", page)
    assert scan.findings == []
    (link,) = scan.links
    assert resolve("a/b.html", link) == ("_assets/v1/site.js", "")


def test_places_are_names_and_lines() -> None:
    ids = scanned("<p id=one><div id=L1>a</div><div id=L2 class=hit>b</div>").ids
    assert [ids.holds(one) for one in ("one", "L1", "L2", "L1-2", "L2-9")] == [True] * 5
    assert [ids.holds(one) for one in ("two", "L3", "L", "L1-x", "L03x")] == [False] * 5


def test_what_a_text_says_is_no_place() -> None:
    scan = scanned("<div id=L1>set id=L1 and id=L7</div><div id=L2x>b</div>")
    assert scan.findings == []
    assert [scan.ids.holds(place) for place in ("L1", "L2", "L7", "L2x")] == [
        True,
        False,
        False,
        True,
    ]


def test_lines_with_gaps_are_known_one_by_one() -> None:
    ids = scanned("<div id=L1>a</div><div id=L900>b</div>").ids
    assert (ids.holds("L900"), ids.holds("L2")) == (True, False)


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        ("<script>alert(1)</script>", "script in the page itself: alert(1)"),
        ('<p onclick="x()">', "onclick= on <p>"),
        ('<p style="color:red">', "style= on <p>"),
        ("<style>p {}</style>", "<style> in the page itself"),
        ("<style id=L1>p {}</style>", "<style> in the page itself"),
        ('<base href="x/">', "<base> in the page itself"),
        ('<a href="javascript:x()">', "a link that is code: javascript:x()"),
        ('<a href="java&#10;script:x()">', "a link that is code: java\nscript:x()"),
        ('<img src="https://far.example/x.png">', "<img> from another host"),
        ('<script src="//far.example/x.js"></script>', "<script> from another host"),
    ],
)
def test_what_the_policy_forbids_is_found(body: str, broken: str) -> None:
    assert [one for one in told(body) if one.startswith(broken)]


@pytest.mark.parametrize(
    ("policy", "broken"),
    [
        ("default-src 'self'", "the policy does not begin with default-src 'none'"),
        (POLICY + " 'unsafe-inline'", "the policy allows 'unsafe-inline'"),
        (POLICY + " https:", "the policy allows https:"),
    ],
)
def test_a_weak_policy_is_found(policy: str, broken: str) -> None:
    assert told("", policy) == [broken]


def test_a_page_without_anything_lacks_all() -> None:
    found = {one.told for one in PageReader().read("x.html", b"<p>hello").findings}
    assert found == {
        "the page has no policy",
        "<html> names no language",
        "no title",
        "no heading",
        "no main part",
    }


@pytest.mark.parametrize(
    ("body", "lacks"),
    [
        ("<h1>again</h1>", "2 headings of the first level"),
        ("<p id=a></p><p id=a></p>", "an id stands twice: a"),
        ("<p id=a></p><b id=a></b>", "an id stands twice: a"),
        ("<div id=L1></div><div id=L1></div>", "an id stands twice: a line"),
    ],
)
def test_a_landmark_that_is_wrong_is_found(body: str, lacks: str) -> None:
    assert told(body) == [lacks]


def test_a_page_that_keeps_all_rules_has_no_finding() -> None:
    assert told('<a href="https://example.org/">out</a><script src="x.js"></script>') == []


@given(st.text(alphabet="<>\"'=/ abhref-!", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    scan = PageReader().read("x.html", text.encode())
    assert {one.path for one in scan.findings} == {"x.html"}


@given(st.lists(st.sampled_from(["..", ".", "a", "b.html"]), min_size=1, max_size=6))
def test_no_link_resolves_to_a_path_with_steps_up(parts: list[str]) -> None:
    path, _ = resolve("one/two.html", "/".join(parts))
    assert path == "../" or ".." not in path.split("/")
