"""Rules of the site for failures that are alike: name, split and join; the same in every build."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from areas import make_area, run, test
from sites import TestSite, difference, files_of, make_site

from mtsite.build import reasons
from mtsite.build.reasons import failing_lines
from mtsite.config import load_config
from mtsite.errors import ConfigError
from mtsite.failing import FailingLine
from mtsite.logs.likeness import Alike, likeness
from mtsite.manifest import Manifest
from mtsite.model import Run, RunKey, RunRecord, State, Status, TestRecord
from mtsite.ownrules import ClusterRule

DENIED = "ERROR: FlexLM denied a seat"
TIMED_OUT = "FATAL: licence server h7 timed out"
ALPHA = "ERROR: assertion 'alpha' failed"
BETA = "ERROR: assertion 'beta' failed"
JOIN = '[[clusters.rule]]\nname = "licences"\nregex = "FlexLM|licence"\ntitle = "No <licence>"\n'
SPLIT = """[[clusters.rule]]
name = "asserts"
regex = "assertion '([a-z]+)'"
do = "split"
"""
NAMED = '[[clusters.rule]]\nname = "all-asserts"\nregex = "assertion"\ndo = "name"\n'


def failing(name: str, line: str) -> object:
    return test(name, status="FAIL", log=f"go\n{line}\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    root = tmp_path_factory.mktemp("rules")
    area = make_area(root, "chips")
    lines = {"a": DENIED, "b": TIMED_OUT, "c": ALPHA, "d": BETA}
    area.add_run(run("u/v", "w1", [failing(name, line) for name, line in lines.items()]))
    area.add_run(run("u/v", "w2", [failing("a", TIMED_OUT), test("b"), failing("c", BETA)]))
    (root / "home").mkdir()
    made = make_site(root / "home", area)
    made.build()
    return made


def configure(site: TestSite, rules: str) -> None:
    path = site.root / "mtsite.toml"
    text = path.read_text().split("\n[[clusters.rule]]")[0]
    path.write_text(f"{text}\n{rules}")


def clusters(site: TestSite) -> Iterator[tuple[str, str]]:
    """(what it is called, all that is said of it) on the shelves."""
    for path, content in files_of(site.tree).items():
        if re.fullmatch(r"_clusters/[0-9a-f]{2}\.html", path):
            for section in re.findall(r"<section.*?</section>", content.decode(), re.DOTALL):
                yield re.findall(r'id="(\w+)"', section)[0], section


def of_line(site: TestSite, line: str) -> str:
    text = line.replace("'", "&#39;")
    return next(said for _, said in clusters(site) if text in said)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("", {DENIED: "1 failure", TIMED_OUT: "2 failures", ALPHA: "3 failures"}),
        (JOIN, {DENIED: "3 failures", TIMED_OUT: "by the rule <b>licences</b>"}),
        (JOIN, {DENIED: "No &lt;licence&gt;", ALPHA: "3 failures"}),
        (SPLIT, {ALPHA: "1 failure<", BETA: "2 failures"}),
        (NAMED, {ALPHA: "3 failures", BETA: "by the rule <b>all-asserts</b>"}),
        (JOIN + SPLIT, {DENIED: "3 failures", BETA: "2 failures"}),
    ],
)
def test_rules_name_split_and_join(
    site: TestSite, tmp_path: Path, rules: str, told: dict[str, str]
) -> None:
    configure(site, rules)
    site.build()
    for line, said in told.items():
        assert said in of_line(site, line)
    for page in ("w1/a", "w1/c", "w2/c"):
        link = re.search(
            r'_clusters/(\w\w)\.html#(\w+)"',
            (site.tree / f"chips/u/v/{page}/index.html").read_text(),
        )
        assert link is not None
        assert link[2] in dict(clusters(site))
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_build_after_that_writes_nothing(site: TestSite) -> None:
    site.build()
    assert site.build().written == 0


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('name = "x"\nregex = "("', "clusters.rule[0].regex: no regular expression"),
        ('name = "x"\nregex = "a"\ndo = "merge"', "clusters.rule[0].do"),
        ('name = "X y"\nregex = "a"', "a name is 1 to 40"),
        ('regex = "a"', "clusters.rule[0].name: is missing"),
    ],
)
def test_a_mistake_in_a_rule_is_said(tmp_path: Path, rule: str, told: str) -> None:
    (tmp_path / "mtsite.toml").write_text(f"[[clusters.rule]]\n{rule}\n")
    with pytest.raises(ConfigError, match=re.escape(told)):
        load_config(tmp_path / "mtsite.toml", {})


def test_the_first_rule_that_fits_decides() -> None:
    first, second = (ClusterRule(name, "a+", "join") for name in ("first", "second"))
    assert Alike((first, second)).of("xaay")[2] == "first"
    assert Alike((second, first)).of("xaay")[2] == "second"
    assert Alike((first,)).of("bbb") == (*likeness("bbb"), "")


def failures_of(number: int, text: str) -> tuple[FailingLine, ...]:
    key = RunKey("a", ("u",), "r")
    tests = {
        (f"t{i:06d}", ""): TestRecord(
            f"t{i:06d}", "", "F", why=("COMPLETED/FAIL", "", text.format(_word(i)))
        )
        for i in range(number)
    }
    run_ = Run(key, ("k",), State("completed"), Status("n/a"), "", "", "", 5)
    return failing_lines(run_, RunRecord(key, ("k",), tests))


def _word(number: int) -> str:
    """A word without a digit: numbers make no difference."""
    return "".join(chr(97 + number // 26**place % 26) for place in range(4))


@pytest.mark.parametrize(
    "number",
    [2_500, pytest.param(100_000, marks=pytest.mark.slow)],
)
def test_failures_with_all_different_texts_are_cut_and_said(tmp_path: Path, number: int) -> None:
    from mtsite.build.theme import Theme
    from mtsite.pages import cluster
    from mtsite.pages.page import SiteFrame

    found = failures_of(number, "ERROR {}: " + "x" * (140 if number < 10_000 else 10))
    assert len(found) == reasons.MOST_KINDS + 1
    assert found[-1].tests == number - reasons.MOST_KINDS
    with Manifest.open(tmp_path) as manifest:
        manifest.failing.note("a/u/r", RunKey("a", ("u",), "r"), 5, found)
        manifest.commit()
        left = manifest.failing.left_out(10)
        newest = manifest.failing.newest(cluster.NEWEST)
        shelves = [
            manifest.failing.of_shelf(one, cluster.MOST) for one in manifest.failing.shelves()
        ]
    assert sum(total for total, _ in shelves) == reasons.MOST_KINDS
    assert (tmp_path / "manifest.db").stat().st_size < 4_000_000
    made = cluster.newest_context(SiteFrame("t"), newest, left=left)
    html = Theme().render(cluster.TEMPLATE, made).decode()
    assert len(html) < 1_000_000
    assert "kinds of lines of <a" in html


@pytest.mark.parametrize("number", [2_500, pytest.param(100_000, marks=pytest.mark.slow)])
def test_failures_with_one_text_are_one_row(number: int) -> None:
    (only,) = failures_of(number, "ERROR: link lost")
    assert only.tests == number


def test_the_most_frequent_kinds_are_kept() -> None:
    many = [TestRecord(f"a{i}", "", "F", why=("F", "", f"ERROR {_word(i)}")) for i in range(2500)]
    many += [TestRecord(f"z{i}", "", "F", why=("F", "", "ERROR often")) for i in range(3)]
    key = RunKey("a", ("u",), "r")
    run_ = Run(key, ("k",), State("completed"), Status("n/a"), "", "", "", 5)
    found = failing_lines(run_, RunRecord(key, ("k",), {(t.testname, ""): t for t in many}))
    assert "ERROR often" in {one.text for one in found}
