"""Runs that name other runs: their pages say so at both ends, whenever either comes or goes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from areas import TestArea, datum, make_area, run, test
from sites import TestSite, difference, make_site

from mtsite import urls
from mtsite.check.schema import Schemas
from mtsite.model import RunKey
from mtsite.related import may_mean, said_in

SCHEMAS = Schemas(Path(__file__).parents[2] / "docs/schemas")


class Related:
    """A site over some runs of one area, each with one test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.area: TestArea = make_area(root)
        self.site: TestSite = make_site(root, self.area)

    def add(self, target: str, runname: str, status: str = "PASS", **said: str) -> None:
        number = self.area.add_run(run(target, runname, [test("t", status=status)]))
        for name, value in said.items():
            self.area.execute(
                "INSERT INTO extradat (run_id, key, val) VALUES (?, ?, ?)",
                (number, name.replace("_", "-"), value),
            )

    def build(self) -> None:
        assert self.site.build().problems == []

    def page(self, runname: str, target: str = "ubuntu/nfs") -> str:
        return (self.site.tree / urls.run_page(_key(runname, target))).read_text("utf-8")

    def facts(self, runname: str, target: str = "ubuntu/nfs") -> dict[str, str]:
        """Title → text of what its page says of others."""
        found = re.findall(
            r'class="long"><dt>([^<]+)</dt><dd>(.*?)</dd>', self.page(runname, target)
        )
        return {title: " ".join(re.sub(r"<[^>]+>", " ", text).split()) for title, text in found}

    def told(self, runname: str, what: str = "runs") -> list[dict[str, Any]]:
        file = self.site.tree / urls.relations_file(_key(runname, "ubuntu/nfs"))
        document = json.loads(file.read_text())
        assert SCHEMAS.judge(document) == ""
        found: list[dict[str, Any]] = document[what]
        return found

    def add_test(self, target: str, runname: str, name: str, status: str, told: str = "") -> None:
        """A run with one test, which depends on what is told."""
        data = [datum("relation", "depends-on", value=told)] if told else []
        self.area.add_run(run(target, runname, [test(name, status=status, data=data)]))

    def order(self, runname: str, target: str, testname: str = "t") -> list[str]:
        """What the page of a test says that it hangs on, and what hangs on it."""
        page = self.site.tree / urls.test_page(_key(runname, target), (testname, ""))
        section = page.read_text().partition('id="relations"')[2].partition("</section>")[0]
        lines = re.findall(r"<li.*?</li>|<h3>.*?</h3>", section)
        return [" ".join(re.sub("<[^a][^>]*>", " ", line).split()) for line in lines]

    def check_clean(self) -> None:
        clean = self.site.build_clean(self.root / "clean")
        assert difference(self.site.tree, clean) == []


def _key(runname: str, target: str) -> RunKey:
    return RunKey("fullrun", tuple(target.split("/")), runname)


@pytest.fixture
def related(tmp_path: Path) -> Related:
    return Related(tmp_path)


def test_a_run_that_was_tried_again_says_so_though_it_has_pages(related: Related) -> None:
    related.add("ubuntu/nfs", "w1", "FAIL")
    related.build()
    related.add("ubuntu/nfs", "w2", retry_of="w1", Depends_on="suse/zfs/b1, nobody")
    related.add("suse/zfs", "b1")
    related.build()
    assert related.facts("w2") == {
        "depends on": "nobody , ✓ pass suse/zfs/b1",
        "retry of": "✗ fail w1",
    }
    assert related.facts("w1") == {"retried by": "✓ pass w2"}
    assert related.facts("b1", "suse/zfs") == {"needed by": "✓ pass w2"}
    assert related.told("w1") == [
        {
            "kind": "retry-of",
            "end": "from",
            "run": "w2",
            "address": "fullrun/ubuntu/nfs/w2/index.html",
            "verdict": "P",
        }
    ]
    related.check_clean()


def test_the_other_end_moves_with_its_verdict_and_comes_late(related: Related) -> None:
    related.add("ubuntu/nfs", "w2", retry_of="w1")
    related.build()
    assert related.facts("w2") == {"retry of": "w1"}
    related.add("ubuntu/nfs", "w1", "FAIL")
    related.build()
    assert related.facts("w2") == {"retry of": "✗ fail w1"}
    related.area.change_status("w1", "t", "PASS")
    related.build()
    assert related.facts("w2") == {"retry of": "✓ pass w1"}
    assert related.facts("w1") == {"retried by": "✓ pass w2"}
    related.check_clean()


def test_what_a_run_says_no_more_goes_from_both_ends(related: Related) -> None:
    related.add("ubuntu/nfs", "w1")
    related.add("ubuntu/nfs", "w2", retry_of="w1")
    related.build()
    assert related.facts("w1")
    related.area.execute("DELETE FROM extradat")
    related.build()
    assert related.facts("w1") == related.facts("w2") == {}
    assert not (related.site.tree / urls.relations_file(_key("w1", "ubuntu/nfs"))).exists()
    related.check_clean()


def test_a_run_that_is_gone_leaves_the_other_end(related: Related) -> None:
    for number in range(12):
        related.add("ubuntu/nfs", f"r{number:02}")
    related.add("ubuntu/nfs", "w2", retry_of="r01", duplicates="r02")
    related.build()
    related.area.delete_run("w2")
    related.build()
    assert related.facts("r01") == related.facts("r02") == {}
    related.check_clean()


def test_a_test_of_another_platform_is_led_to_from_both_ends(related: Related) -> None:
    related.add_test("ubuntu/nfs", "w1", "unit", "PASS", "//suse/zfs/w1/build")
    related.build()
    assert related.order("w1", "ubuntu/nfs", "unit") == [
        "Waits for 1",
        "· not there build (suse zfs)",
    ]
    related.add_test("suse/zfs", "w1", "build", "FAIL")
    related.build()
    assert related.order("w1", "ubuntu/nfs", "unit") == [
        "Waits for 1",
        '✗ fail <a href="../../../../suse/zfs/w1/build/index.html"> build (suse zfs)',
    ]
    assert related.order("w1", "suse/zfs", "build") == [
        "Waited for by 1",
        '✓ pass <a href="../../../../ubuntu/nfs/w1/unit/index.html"> unit (ubuntu nfs)',
    ]
    related.check_clean()


def test_its_verdict_moves_the_other_end_and_its_going_takes_the_link(related: Related) -> None:
    related.add_test("suse/zfs", "b1", "build", "PASS")
    related.add_test("ubuntu/nfs", "w1", "unit", "PASS", "//suse/zfs/b1/build")
    related.build()
    assert "✓ pass" in related.order("w1", "ubuntu/nfs", "unit")[1]
    related.area.change_status("b1", "build", "FAIL")
    related.build()
    assert related.order("w1", "ubuntu/nfs", "unit")[1].startswith("✗ fail")
    related.area.execute("DELETE FROM test_data")
    related.build()
    assert related.order("w1", "ubuntu/nfs", "unit") == []
    assert related.order("b1", "suse/zfs", "build") == []
    related.check_clean()


def test_the_file_tells_of_tests_elsewhere_with_their_pages(related: Related) -> None:
    related.add_test("suse/zfs", "b1", "build", "PASS")
    related.add_test("ubuntu/nfs", "w1", "unit", "PASS", "//suse/zfs/b1/build")
    related.build()
    assert related.told("w1", "elsewhere") == [
        {
            "test": {"testname": "unit", "item_path": ""},
            "kind": "depends-on",
            "end": "to",
            "other": {
                "testname": "build",
                "item_path": "",
                "run": "suse/zfs/b1",
                "address": "fullrun/suse/zfs/b1/build/index.html",
                "verdict": "P",
            },
        }
    ]
    assert related.told("w1", "edges") == []


def test_the_file_tells_of_builds_with_their_pages(related: Related) -> None:
    related.add("ubuntu/nfs", "w1", repository="chip", build="b 31", retry_of="w0")
    related.build()
    (told,) = related.told("w1", "builds")
    assert told == {"id": "b 31", "address": "_builds/chip/b~2031.html"}
    assert (related.site.tree / told["address"]).is_file()


def test_names_of_runs_are_read_in_their_places() -> None:
    key = _key("w2", "ubuntu/nfs")
    assert may_mean(key, "w1") == [_key("w1", "ubuntu/nfs")]
    assert may_mean(key, "suse/zfs/w1")[0] == _key("w1", "suse/zfs")
    assert may_mean(key, "other/a/b/c/w1") == [RunKey("other", ("a", "b", "c"), "w1")]
    assert may_mean(key, "") == [_key("", "ubuntu/nfs")]
    told = [("Retry_Of", "w1 w0,w1"), ("url", "x"), ("duplicates", " , ")]
    assert said_in(told) == (("retry-of", "w1"), ("retry-of", "w0"))


def test_names_that_are_no_utf8_stay_apart(related: Related) -> None:
    related.add("ubuntu/nfs", "w1")
    related.add("ubuntu/nfs", "w2", retry_of="w1")
    related.area.execute("UPDATE extradat SET val = CAST(x'7731ff20f09f9880203c623e' AS TEXT)")
    related.build()
    assert "&lt;b&gt;" in related.page("w2")
    assert related.facts("w1") == {}
