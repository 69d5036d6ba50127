"""Addresses: an adversary chooses the names, and no two of them may meet."""

import posixpath
import re
import unicodedata
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mtsite import urls
from mtsite.model import RunKey, TestName

TREE_NAMES = [
    *sorted(urls.RESERVED),
    *"_runs _tests _log _part _assets _blobs _record _manifest _status.json .nojekyll".split(),
    *"runs tests log part assets blobs record".split(),
    *". .. ~ ~~ x _ - ~7E ~5Fruns ~~00000000000000000000000000000000 %2e %2F a%2Fb".split(),
    *["", "/", "//", "a/b", "../../etc/passwd", "C:\\x", "a b", "<script>", '"', "'", "\n", "\0"],
    *["é", "e\u0301", "日本", "\udc80", "\udcff.log", "A", "a", "index", "2026-11", "~69ndex.html"],
]
LONG = st.builds(
    lambda base, times, end: base * times + end,
    st.sampled_from(["a", "~", "_", "é", "/", ".", "\udc80", "index.html"]),
    st.integers(1, 400),
    st.sampled_from(["", "a", "b", "~", "é"]),
)
NAMES = st.one_of(
    st.sampled_from(TREE_NAMES),
    st.binary(max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.text("a_.~/-=5FE", max_size=6),
    LONG,
)
"""What bytes of a database decode to: names whose bytes differ are different names."""


def near(name: str) -> list[str]:
    """Names that a careless rule would confuse with this one."""
    return [
        *[
            urls.segment(name),
            name.lstrip("_."),
            f"_{name}",
            f"{name}.html",
            name + "a",
            name + "b",
        ],
        *[name[:-1], name.swapcase(), name.replace("/", "~"), name.replace("~", "/")],
        *[unicodedata.normalize("NFD", name), f"{name}/", f"/{name}"],
    ]


PAIRS = st.one_of(
    st.tuples(NAMES, NAMES),
    NAMES.flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(near(name)))),
    NAMES.flatmap(lambda name: st.tuples(st.sampled_from(near(name)), st.sampled_from(near(name)))),
)
TESTS = st.tuples(NAMES, st.lists(NAMES, max_size=4).map("/".join))
KEYS = st.builds(RunKey, st.just("a"), st.tuples(NAMES.filter(lambda value: value != "")), NAMES)


@st.composite
def place_pairs(draw: st.DrawFn) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """Two pages of one area, of any kinds, told by names from one small pool."""
    seed = draw(NAMES)
    pool = st.sampled_from([*draw(st.lists(NAMES, max_size=2)), seed, *near(seed)])
    key_count = draw(st.integers(1, 2))
    one = draw(places(pool, key_count))
    if draw(st.booleans()):
        return one, draw(places(pool, key_count))
    return one, draw(st.sampled_from([one, *near_places(one)]))


def near_places(place: tuple[object, ...]) -> list[tuple[object, ...]]:
    """The same page but for one name in it, or for where one name ends and the next begins."""
    found: list[tuple[object, ...]] = []
    for position, part in enumerate(place):
        if position and isinstance(part, str) and place[0] == "log":
            found += [(*place[:position], other) for other in near(part)]
        elif isinstance(part, RunKey):
            others = [RunKey(part.area, part.target, name) for name in near(part.runname)]
            found += [(*place[:position], other, *place[position + 1 :]) for other in others]
        elif isinstance(part, tuple) and position == len(place) - 1 and place[0] != "level":
            testname, item_path = part
            names = [(testname, other) for other in [*near(item_path), f"{item_path}//", ""]]
            names += [(f"{testname}/{item_path}", ""), (testname, item_path.replace("//", "/"))]
            found += [(*place[:position], name) for name in names]
    return found


@st.composite
def places(
    draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES, key_count: int = 2
) -> tuple[object, ...]:
    """A page of any kind. All runs of an area have the same number of keys."""
    key = RunKey("a", tuple(draw(names) or "y" for _ in range(key_count)), draw(names))
    kind = draw(st.sampled_from(list(PATHS)))
    if kind == "level":
        return (kind, key.area, key.target[: draw(st.integers(0, key_count))])
    if kind in {"run", "twin", "record"}:
        return (kind, key)
    if kind == "month":
        return (kind, key.area, key.target, draw(st.sampled_from(["2026-11", "2026-12"])))
    if kind == "pointer":
        which = draw(st.sampled_from(["latest", "last-good", "last-failed"]))
        return (kind, key.area, key.target, which)
    name = (draw(names), "/".join(draw(st.lists(names, max_size=3))))
    if kind == "history":
        return (kind, key.area, key.target, name)
    return (kind, key, name) if kind == "test" else (kind, key, name, draw(names))


PATHS = {
    "level": urls.area_page,
    "month": urls.month_page,
    "pointer": urls.pointer_page,
    "history": urls.history_page,
    "run": urls.run_page,
    "twin": urls.run_twin,
    "record": urls.record_file,
    "test": urls.test_page,
    "log": urls.log_page,
}


def path_of(place: tuple[object, ...]) -> str:
    return PATHS[str(place[0])](*place[1:])


@given(PAIRS)
@example(("a" * 121, "a" * 122))
@example(("é" * 41, "é" * 40 + "e\u0301"))
@example(("_runs", "~5Fruns"))
@example(("", "~"))
@example(("\udced\udca0\udc80", "\udced\udca0"))
def test_different_names_never_share_a_segment(pair: tuple[str, str]) -> None:
    one, other = pair
    assert (urls.segment(one) == urls.segment(other)) == (one == other)


@given(NAMES)
def test_a_segment_is_one_safe_bounded_file_name(name: str) -> None:
    written = urls.segment(name)
    assert re.fullmatch(r"[A-Za-z0-9.=,@~_-]{1,120}", written)
    assert written[0] not in "_."
    assert written not in urls.RESERVED


@given(NAMES)
def test_a_name_is_read_back_unless_its_segment_was_cut(name: str) -> None:
    written = urls.segment(name)
    assert urls.name_of(written) == (None if "~~" in written else name)


@given(st.text("abAB_.~/-=5FE67index.html", max_size=14))
def test_only_the_one_way_to_write_a_name_is_read(text: str) -> None:
    name = urls.name_of(text)
    assert name is None or urls.segment(name) == text


@pytest.mark.parametrize(
    "own", ["_tests", "_log", "index.html", "~61", "~5f", "..", "", "a/b", "~"]
)
def test_what_the_tree_uses_itself_is_no_name(own: str) -> None:
    assert urls.name_of(own) == ("" if own == "~" else None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ubuntu-22.04", "ubuntu-22.04"),
        ("ww31.2", "ww31.2"),
        ("a b", "a~20b"),
        ("_assets", "~5Fassets"),
        (".hidden", "~2Ehidden"),
        ("index.html", "~69ndex.html"),
        ("~", "~7E"),
        ("a/b", "a~2Fb"),
        ("é", "~C3~A9"),
        ("", "~"),
        ("\udcff", "~FF"),
        ("a" * 120, "a" * 120),
    ],
)
def test_a_segment_is_written_by_the_rule(name: str, expected: str) -> None:
    assert urls.segment(name) == expected


def test_a_long_segment_is_cut_between_escapes() -> None:
    written = urls.segment("é" * 100)
    prefix, digest = written.split("~~")
    assert prefix == "~C3~A9" * 14
    assert re.fullmatch(r"[0-9a-f]{32}", digest)


def test_lone_surrogates_of_json_are_written_as_their_bytes() -> None:
    assert urls.segment("\ud800\udc80") == "~ED~A0~80~80"


def page_of_test(item_path: str, testname: str = "t") -> tuple[object, ...]:
    return ("test", RunKey("a", ("b",), "r"), (testname, item_path))


def page_of_history(testname: str) -> tuple[object, ...]:
    return ("history", "a", ("b",), (testname, ""))


@settings(max_examples=1000)
@given(place_pairs())
@example((("run", RunKey("a", ("b",), "_tests")), page_of_history("index.html")))
@example((("run", RunKey("a", ("b",), "t")), page_of_history("t")))
@example((("test", RunKey("a", ("b",), "tests"), ("t", "")), page_of_history("t")))
@example((page_of_test("_log/x"), ("log", RunKey("a", ("b",), "r"), ("t", ""), "x/index")))
@example((page_of_test("a//b"), page_of_test("a/b")))
@example((page_of_test(""), page_of_test("/")))
@example((page_of_test("a"), page_of_test("a/")))
@example((page_of_test("a/b"), page_of_test("b", "t/a")))
@example((page_of_test("/".join(["x" * 100] * 12)), page_of_test("/".join(["x" * 100] * 13))))
def test_different_pages_never_share_a_path(
    pair: tuple[tuple[object, ...], tuple[object, ...]],
) -> None:
    one, other = pair
    assert (path_of(one) == path_of(other)) == (one == other)


@given(places())
def test_a_path_stays_below_the_site_and_within_its_bound(place: tuple[object, ...]) -> None:
    path = path_of(place)
    assert len(path.encode()) <= urls.PATH_BYTES
    assert not path.startswith("/")
    assert not {"", ".", ".."}.intersection(path.split("/"))
    assert unquote(path) == path


@given(KEYS, TESTS)
def test_pages_of_a_test_stay_below_its_run_while_paths_are_short(
    key: RunKey, name: TestName
) -> None:
    directory = urls.test_dir(key, name)
    if len(directory) < urls.PATH_BYTES - 200:
        assert urls.test_page(key, name) == f"{directory}/index.html"
        assert urls.log_page(key, name, "x.log").startswith(f"{urls.run_dir(key)}/")


def test_a_path_over_the_bound_ends_in_one_digest_of_the_rest() -> None:
    key = RunKey("area", ("target",), "run")
    path = urls.test_page(key, ("t", "/".join(["part" * 20] * 30)))
    assert re.search(r"/~~[0-9a-f]{32}/index\.html$", path)
    assert urls.PATH_BYTES - 130 < len(path) <= urls.PATH_BYTES


@pytest.mark.parametrize("length", range(1, 121))
def test_the_bound_holds_wherever_the_cut_falls(length: int) -> None:
    item_path = "/".join([*["p" * 100] * 6, "q" * length, *["r" * 120] * 4])
    for path in (
        urls.test_page(RunKey("a", ("b",), "r"), ("t", item_path)),
        urls.log_page(RunKey("a", ("b",), "r"), ("t", item_path), "l" * 120),
    ):
        assert len(path) <= urls.PATH_BYTES


def test_an_empty_key_value_is_written_as_megatest_writes_it() -> None:
    assert urls.area_page("a", ("", "b")) == "a/x/b/index.html"


@given(place_pairs())
def test_a_relative_link_leads_where_it_should(
    pair: tuple[tuple[object, ...], tuple[object, ...]],
) -> None:
    source, destination = path_of(pair[0]), path_of(pair[1])
    link = urls.relative(source, destination)
    assert posixpath.normpath(posixpath.join(posixpath.dirname(source), link)) == destination
    assert urljoin(f"https://h/prefix/{source}", link) == f"https://h/prefix/{destination}"
    assert not urlsplit(link).scheme


def test_a_link_between_neighbours_is_short() -> None:
    key = RunKey("a", ("b",), "r")
    run, log = urls.run_page(key), urls.log_page(key, ("t", "i"), "x.log")
    assert urls.relative(run, log) == "t/i/_log/x.log.html"
    assert urls.relative(log, run) == "../../../index.html"
    assert urls.relative(run, run) == "index.html"
