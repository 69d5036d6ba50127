"""Hosts: what is known of each, against the others on the same tests, and no page too long."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from areas import BASE, DAY, make_area, run, test
from crawl import crawl
from sites import TestSite, difference, files_of, make_site

from mtsite.onhosts import WINDOW, Elsewhere, HostRun, Numbers, RanTest
from mtsite.pages import host, hosts
from mtsite.pages.page import SiteFrame

FRAME = SiteFrame("Nightly")


def on(name: str, *verdicts: str, testname: str = "t") -> HostRun:
    tests = [RanTest(testname, f"i{i}", one, BASE, 10) for i, one in enumerate(verdicts)]
    return HostRun(name, "Linux", tuple(tests))


def after(before: Sequence[Sequence[HostRun]], one: HostRun) -> Numbers:
    elsewhere = Elsewhere()
    for earlier in before:
        elsewhere.add(earlier)
    return elsewhere.numbers(one)


def test_a_test_is_compared_with_what_other_hosts_made_of_it_before() -> None:
    before = [[on("h1", "P"), on("h2", "P", testname="u")], [on("h3", "F")], [on("h2", "F")]]
    found = after(before, on("h2", "F"))
    assert (found.compared, found.wrong, found.judged, found.bad) == (1, 1, 1, 1)
    assert found.expected == 500  # one of two elsewhere, and half a failure on one test more


def test_only_the_last_30_runs_say_how_it_did_elsewhere() -> None:
    old = [[on("h1", "F")], *[[on("h9", "P", testname="other")]] * WINDOW]
    assert after(old, on("h2", "F")).compared == 0
    assert after(old[:-1], on("h2", "F")).compared == 1


def test_tests_that_run_or_were_skipped_are_not_judged() -> None:
    found = after([[on("h1", "P", "P", "P")]], on("h2", "R", "S", "P"))
    assert (found.tests, found.judged, found.compared) == (3, 1, 1)


@pytest.mark.parametrize(
    ("compared", "wrong", "expected", "out"),
    [(100, 12, 2, True), (100, 3, 2, False), (19, 12, 2, False), (100, 2, 0, False)],
)
def test_a_host_stands_out_by_more_than_chance(compared, wrong, expected, out) -> None:
    spread = 1000 * expected * (compared - expected) // compared
    total = Numbers(5, 200, 200, wrong, compared, wrong, 1000 * expected, spread)
    assert host.stands_out(total) is out


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    """Twelve runs on three hosts; what runs on `bad host/3` goes wrong."""
    root = tmp_path_factory.mktemp("hosts")
    area = make_area(root)
    for number in range(12):
        names = [("h1", "h2", "bad host/3")[(number + i) % 3] for i in range(9)]
        tests = [
            test(
                f"t{i}",
                status="FAIL" if name.startswith("bad") else "PASS",
                host=name,
                uname="Linux 6.1",
                cpuload=1.5 + number,
                diskfree=5_000_000,
            )
            for i, name in enumerate(names)
        ]
        area.add_run(run("ubuntu/nfs", f"w{number:02}", tests, event_time=BASE + number * DAY))
    area.add_run(run("suse/zfs", "w1", [test("t0", host="n/a"), test("n", state="NOT_STARTED")]))
    (root / "home").mkdir()
    made = make_site(root / "home", area)
    made.build()
    return made


def text(site: TestSite, path: str) -> str:
    return (site.tree / path).read_text("utf-8")


def test_the_one_that_stands_out_is_named_with_n(site: TestSite) -> None:
    listed = text(site, "_hosts/index.html")
    assert "3 hosts; bad host/3 stands out against the others" in listed
    page = text(site, "_hosts/bad~20host~2F3/index.html")
    assert "33 tests that others had too, 33 went wrong" in page
    assert "stands out" not in text(site, "_hosts/h1/index.html")


def test_it_says_first_and_last_seen_load_disk_and_what_ran_when(site: TestSite) -> None:
    page = text(site, "_hosts/h1/index.html")
    assert "2023-11-14" in page
    assert "2023-11-25" in page
    assert "Load and disk, run by run" in page
    assert 'href="../../fullrun/ubuntu/nfs/w11/t1/index.html"' in page
    assert "Linux 6.1" in page


def test_tests_lead_to_their_host_and_no_link_is_dead(site: TestSite) -> None:
    page = text(site, "fullrun/ubuntu/nfs/w00/t2/index.html")
    assert 'href="../../../../../_hosts/bad~20host~2F3/index.html"' in page
    assert 'href="../../../../../_hosts/' not in text(site, "fullrun/suse/zfs/w1/t0/index.html")
    assert crawl(site.tree).dead == []


def test_a_run_changes_the_pages_of_its_own_hosts_only(site: TestSite, tmp_path: Path) -> None:
    before = files_of(site.tree)
    path = site.config().areas["fullrun"].path
    area = make_area(tmp_path, name="unused")
    area = type(area)("fullrun", path, area.fields, path.parent / "lt", path.parent / "disk")
    area.add_run(run("ubuntu/nfs", "x", [test("t0", host="h2")], event_time=BASE + 40 * DAY))
    site.build()
    after = files_of(site.tree)
    changed = {p for p in after if p.startswith("_hosts/") and after[p] != before.get(p)}
    assert changed == {"_hosts/index.html", "_hosts/h2/index.html"}
    area.drop_run("x", "ubuntu/nfs")
    site.build(allow_drop=True)
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_thousand_hosts_are_pages_of_bounded_size() -> None:
    numbers = Numbers(9, 99, 99, 9, 90, 9, 9000, 8000, BASE, BASE + DAY, 1.5, 10, "Linux")
    parts = hosts.parts_of([(f"host{i:04}", numbers) for i in range(1000)])
    assert [len(part.hosts) for part in parts] == [200] * 5
    assert len(parts[0].out) <= hosts.MOST_OUT
    names = [row["name"] for part in parts for row in hosts.context(FRAME, part)["hosts"]]
    assert names == [f"host{i:04}" for i in range(1000)]
