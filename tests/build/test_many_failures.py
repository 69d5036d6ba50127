"""A night in which all fails, with one text or with all different ones: what is cut is said."""

import re
from pathlib import Path

import pytest
from areas import make_area, run, test
from sites import TestSite, difference, files_of, make_site

from mtsite import urls
from mtsite.build import reasons, strange
from mtsite.logs.likeness import likeness
from mtsite.pages import cluster, words

MEGABYTE = 1_000_000


def word(number: int) -> str:
    """A word without a digit: numbers make no difference."""
    return "".join(chr(97 + number // 26**place % 26) for place in range(4))


def a_bad_night(root: Path, number: int) -> TestSite:
    """So many failures with one text, and as many with a text of their own."""
    area = make_area(root, "chips")
    same = [failed(f"same{i:06d}", "ERROR: link lost") for i in range(number)]
    other = [failed(f"other{i:06d}", f"ERROR {word(i)}: {'x' * 120}") for i in range(number)]
    area.add_run(run("u/v", "w1", [*same, *other]))
    (root / "home").mkdir()
    site = make_site(root / "home", area)
    site.build()
    return site


def failed(name: str, comment: str) -> object:
    return test(name, status="FAIL", comment=comment)


def look(site: TestSite, number: int, most: int) -> int:
    """Bytes of the largest page of failures that are alike, all of which say what was cut."""
    shelves = {p: c for p, c in files_of(site.tree).items() if p.startswith("_clusters/")}
    index = shelves["_clusters/index.html"].decode()
    assert words.plural(number + 1 - most, "kind of line", "kinds of lines") in index
    together = shelves[f"_clusters/{likeness('ERROR: link lost')[0][:2]}.html"].decode()
    assert words.plural(number, "failure") in together
    assert (site.tree / "chips/u/v/w1/index.html").stat().st_size < 150_000
    return max(map(len, shelves.values()))


def test_what_is_cut_of_one_run_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "MOST_KINDS", 20)
    monkeypatch.setattr(cluster, "NEWEST", 5)
    site = a_bad_night(tmp_path, 30)
    assert look(site, 30, 20) < MEGABYTE
    index = (site.tree / urls.clusters_page()).read_text()
    assert "The 5 kinds of failures that were seen last, of 20." in index
    shelves = {path.name for path in (site.tree / "_clusters").glob("??.html")}
    assert shelves == set(re.findall(r'href="([0-9a-f]{2}\.html)"', index))
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


@pytest.mark.slow
def test_thousands_of_failures_keep_the_real_bounds(tmp_path: Path) -> None:
    assert look(a_bad_night(tmp_path, 4_000), 4_000, reasons.MOST_KINDS) < MEGABYTE


def test_a_test_that_was_not_compared_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strange, "MOST_TESTS", 1)
    area = make_area(tmp_path, "chips")
    names = ("a", "b")
    area.add_run(run("u/v", "W1", [test(name, log="go\nfine\n") for name in names]))
    lines = {name: f"go\nERROR: no {name} {word(i)}\n" for i, name in enumerate(names)}
    bad = [test(name, status="FAIL", log=text) for name, text in lines.items()]
    area.add_run(run("u/v", "W2", bad))
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    site.build()
    said = "Not compared with its log in W1: in each run 20 tests are"
    assert said not in (site.tree / "chips/u/v/W2/a/index.html").read_text()
    assert said in (site.tree / "chips/u/v/W2/b/index.html").read_text()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
