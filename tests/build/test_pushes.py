"""Pages of pushes and builds: in the order of the repository, as runs name them, and no more."""

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from areas import BASE
from crawl import crawl
from pushed import CHIP, REVISIONS, TARGETS, Place
from sites import TestSite, difference, files_of

from mtsite import pushlog, pushruns, record, toldpushes, urls
from mtsite.archive.remask import mask_record
from mtsite.config import AreaConfig
from mtsite.facts import Suspects
from mtsite.ingest.junit import JunitOrder, ingest_junit
from mtsite.ingest.objects import ingest_objects
from mtsite.ingest.place import parse_target
from mtsite.logs.redact import make_redactor
from mtsite.model import RunFacts, RunKey, RunRecord
from mtsite.pages.pushes import MOST_UNTOLD
from mtsite.provenance import Commit, Provenance, Push
from mtsite.pushlog import file_of, write_pushlog

SHA = "sha256:" + "ab" * 32
OWN = ("_pushes/", "_builds/")


def own(place: Place) -> dict[str, bytes]:
    return {p: c for p, c in files_of(place.site.tree).items() if p.startswith(OWN)}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """120 pushes; runs at some of them, named in full, cut short, by number, or not told of."""
    place = Place(tmp_path_factory.mktemp("pushes"))
    place.tell(range(120))
    files = {"build.artifact.sim.tgz": f"{SHA} 123 https://files.example/sim.tgz"}
    place.run("w10", 10, build="b10", **{"build.url": "https://ci.example/b10"}, **files)
    place.run("w10", 10, TARGETS[1], build="b10", **files)
    place.run("w14", 14, bad="a", revision=REVISIONS[14][:9])
    place.run("w15", 15, bad="ab", push="15", revision="")
    place.run("w15", 15, TARGETS[1], bad="c")
    place.run("w119", 119)
    place.run("odd", 3, repository="<b>../odd</b>", revision="index", build="../../up")
    place.run("alone", 4, repository="")
    place.site.build()
    return place


def test_a_push_has_its_runs_by_target_and_its_commits(built: Place) -> None:
    told = built.push(15)
    assert (told["number"], told["id"], told["author"]) == (16, "15", "ann")
    assert [one["message"] for one in told["commits"]] == ["Change 15"]
    runs = [("/".join(one["target"]), one["runname"], one["verdict"]) for one in told["runs"]]
    assert runs == [("suse/zfs", "w15", "F"), ("ubuntu/nfs", "w15", "F")]
    assert told["before"] == urls.push_page(CHIP, REVISIONS[14])
    assert told["after"] == urls.push_page(CHIP, REVISIONS[119])


def test_the_first_bad_push_is_named_where_no_other_lies_between(built: Place) -> None:
    by_target = {"/".join(one["run"]["target"]): one for one in built.push(15)["first_bad"]}
    alone = by_target["ubuntu/nfs"]
    assert (alone["pushes"], alone["first_bad"]) == (1, REVISIONS[15])
    assert [one["testname"] for one in alone["tests"]] == ["b"]
    among = by_target["suse/zfs"]
    assert (among["pushes"], among["first_bad"]) == (5, None)
    assert among["good"]["runname"] == "w10"
    page = (built.site.tree / urls.push_page(CHIP, REVISIONS[15])).read_text()
    assert "this is the first bad one" in page
    assert "5 pushes lie between, this one the last; among them is the first bad one" in page
    assert "Change 12" in page
    assert "Change 10" not in page


def test_a_revision_that_is_cut_leads_to_its_push(built: Place) -> None:
    cut = built.site.tree / urls.push_page(CHIP, REVISIONS[14][:9])
    assert f"{REVISIONS[14]}.html" in cut.read_text()
    assert [one["runname"] for one in built.push(14)["runs"]] == ["w14"]


def test_a_run_without_a_repository_is_of_the_one_that_has_its_revision(built: Place) -> None:
    assert [one["runname"] for one in built.push(4)["runs"]] == ["alone"]
    assert (
        f"{REVISIONS[4]}.html" in (built.site.tree / urls.push_page("", REVISIONS[4])).read_text()
    )


def test_a_push_that_nobody_told_of_has_its_page_and_its_line(built: Place) -> None:
    told = built.json(urls.push_page("<b>../odd</b>", "index"))
    assert (told["number"], told["revision"]) == (None, "index")
    listed = built.json(urls.pushes_page("<b>../odd</b>"))
    assert [one["revision"] for one in listed["untold"]] == ["index"]


def test_parts_have_all_pushes_once_in_their_order(built: Place) -> None:
    parts = [built.json(urls.pushes_page(CHIP, n)) for n in range(3)]
    names = [one["revision"] for part in reversed(parts) for one in part["pushes"]]
    assert names == REVISIONS[119::-1]
    newest = built.json(urls.pushes_page(CHIP))
    assert [one["revision"] for one in newest["pushes"]] == REVISIONS[119:49:-1]


def test_a_build_names_its_files_its_push_and_its_runs(built: Place) -> None:
    told = built.json(urls.build_page(CHIP, "b10"))
    assert told["described_at"] == ["https://ci.example/b10"]
    (file,) = told["artifacts"]
    assert (file["digest"], file["size"]) == (SHA, 123)
    assert [one["revision"] for one in told["pushes"]] == [REVISIONS[10]]
    assert len(told["runs"]) == 2


def test_the_page_of_a_run_leads_to_its_push_and_build(built: Place) -> None:
    page = (built.site.tree / "fullrun/ubuntu/nfs/w10/index.html").read_text()
    assert f"_pushes/team~2Fchip/{REVISIONS[10]}.html" in page
    assert "_builds/team~2Fchip/b10.html" in page


def test_no_link_is_dead_and_all_is_reached_from_the_front_page(built: Place) -> None:
    found = crawl(built.site.tree)
    assert not found.scripts
    assert not found.dead
    wanted = {path for path in own(built) if path.endswith(".html")}
    assert not wanted - found.met


def test_nothing_new_costs_nothing(built: Place) -> None:
    again = built.site.build()
    assert (again.rendered, again.written) == (0, 0)


def test_one_new_run_changes_its_push_and_those_that_lead_to_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tell(range(120))
    for number in (5, 60, 70, 80):
        place.run(f"w{number}", number)
    place.site.build()
    before = own(place)
    place.run("new", 70, bad="a")
    place.site.build()
    after = own(place)
    changed = {p.rpartition(".")[0] for p in after if before.get(p) != after[p]}
    list_of = "_pushes/team~2Fchip"
    # The newest pushes stand in their part and on the page of the repository.
    lists = {f"{list_of}/index", f"{list_of}/_part/0001", "_pushes/index"}
    assert changed == {f"{list_of}/{REVISIONS[70]}", *lists}


def test_after_any_of_this_the_tree_is_that_of_a_clean_build(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.run("w10", 10, build="b1")
    place.run("w12", 12, bad="a", revision=REVISIONS[12][:10])
    place.run("w14", 14, revision="", push="14", build="b1")
    clean = 0

    def check() -> None:
        nonlocal clean
        clean += 1
        place.site.build(allow_drop=True)
        tree = place.site.build_clean(tmp_path / f"clean{clean}")
        assert difference(place.site.tree, tree) == []

    check()
    place.tell(range(8, 20))
    check()
    place.tell(range(20), "other")
    place.tell(range(20))
    check()
    assert [one["runname"] for one in place.push(14)["runs"]] == ["w14"]
    place.area.drop_run("w14")
    place.run("w13", 13, bad="b", repository="")
    check()
    shutil.rmtree(place.root / "pushes")
    check()
    assert place.push(10)["number"] is None


def test_secrets_in_what_people_say_of_changes_are_masked(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.run("w1", 1)
    secret = "AKIA" + "Q7RZ5TKM2WXY3VBN"
    told = Push((Commit(REVISIONS[1], "ann", None, f"use {secret}"),))
    write_pushlog(file_of(place.root, CHIP), CHIP, [told])
    place.site.build()
    assert not [path for path, content in own(place).items() if secret.encode() in content]


def test_a_line_that_cannot_be_read_is_told_and_the_others_stand(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.run("w1", 1)
    place.tell([1, 2])
    file = file_of(place.root, CHIP)
    file.write_text(f"{file.read_text()}oops\n")
    assert "pushes/team~2Fchip.jsonl:4" in place.site.build().problems[0]
    assert "pushes/team~2Fchip.jsonl:4" in place.site.build().problems[0]
    assert place.push(1)["number"] == 1


def test_a_repository_that_no_run_names_has_no_page_without_a_way_to_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tell([1, 2])
    place.run("w2", 2, repository="other")
    place.site.build()
    found = crawl(place.site.tree)
    assert urls.pushes_page(CHIP, 0) in found.met


def test_two_repositories_may_have_the_same_revision(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tell([1, 2])
    place.tell([2], "fork")
    place.run("w2", 2)
    place.run("f2", 2, repository="fork")
    place.run("any", 2, repository="")
    place.site.build()
    assert [one["runname"] for one in place.push(2)["runs"]] == ["w2"]
    assert [one["runname"] for one in place.push(2, "fork")["runs"]] == ["f2"]
    assert [one["runname"] for one in place.push(2, "")["runs"]] == ["any"], "it may be either"


def test_a_first_build_of_many_runs_tells_the_same_as_many_builds(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tell(range(30))
    for number in (1, 4, 6, 20):
        place.run(f"w{number}", number, bad="a" if number > 4 else "")
        place.site.build()
    other = replace(place.site, root=tmp_path / "other")
    shutil.copytree(place.root, other.root, ignore=shutil.ignore_patterns("site", ".mtsite"))
    other.build()
    assert difference(place.site.tree, other.tree) == []


def test_pushes_and_builds_of_ingested_objects_have_their_pages(tmp_path: Path) -> None:
    where = {"repository": "hg", "revision": REVISIONS[7]}
    commits = [{"revision": REVISIONS[6]}, {"revision": REVISIONS[7], "message": "Fix it"}]
    artifacts = [{"name": "a.zip", "sha256": SHA, "url": "https://files.example/a.zip"}]
    objects = [
        {"kind": "job", "id": "1", "name": "unit", "result": "success", **where},
        {"kind": "push", "author": "bo", "commits": commits, **where},
        {"kind": "build", "id": "b7", "artifacts": artifacts, **where},
    ]
    drop = tmp_path / "drop.jsonl"
    drop.write_text("".join(f"{json.dumps(one)}\n" for one in objects))
    area = AreaConfig("th", tmp_path / "th")
    ingest_objects([drop], area, BASE, {})
    (tmp_path / "home").mkdir()
    site = TestSite(tmp_path / "home")
    site.write_config({"th": area.path})
    assert not site.build().problems
    told = json.loads(
        (site.tree / urls.json_beside(urls.push_page("hg", REVISIONS[7]))).read_text()
    )
    assert (told["author"], len(told["commits"]), len(told["runs"])) == ("bo", 2, 1)
    build = json.loads((site.tree / urls.json_beside(urls.build_page("hg", "b7"))).read_text())
    assert [(one["name"], one["digest"]) for one in build["artifacts"]] == [("a.zip", SHA)]


def test_properties_of_junit_files_lead_to_the_push_and_build(tmp_path: Path) -> None:
    told = {
        "repository": "git",
        "commit": REVISIONS[5],
        "BUILD_ID": "b5",
        "build.url": "https://c.i/",
    }
    said = "".join(f'<property name="{name}" value="{value}"/>' for name, value in told.items())
    file = tmp_path / "a.xml"
    file.write_text(
        f'<testsuites><properties>{said}</properties><testsuite name="s"><testcase name="a"/>'
        "</testsuite></testsuites>"
    )
    area = AreaConfig("ci", tmp_path / "ci")
    order = JunitOrder([file], area, parse_target("linux"), "7", "me", BASE)
    ingest_junit(order, {}, lambda *_: None)
    (tmp_path / "home").mkdir()
    site = TestSite(tmp_path / "home")
    site.write_config({"ci": area.path})
    assert not site.build().problems
    for page in (urls.push_page("git", REVISIONS[5]), urls.build_page("git", "b5")):
        there = json.loads((site.tree / urls.json_beside(page)).read_text())
        assert [one["runname"] for one in there["runs"]] == ["7"]
    assert not crawl(site.tree).dead


def test_a_run_that_names_a_push_and_a_strange_revision_still_leads_to_the_push(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path)
    place.tell(range(30))
    place.run("w1", 1, push="20", revision="of-my-own")
    place.run("w2", 2, push="21", revision=REVISIONS[5])
    place.site.build()
    found = crawl(place.site.tree)
    assert not found.dead
    assert [one["runname"] for one in place.push(20)["runs"]] == ["w1"]
    assert [one["runname"] for one in place.push(21)["runs"]] == ["w2"]
    assert urls.push_page(CHIP, REVISIONS[21]) in found.met


def test_what_is_frozen_of_a_push_is_masked_with_a_rule_that_comes_later(tmp_path: Path) -> None:
    said = Suspects("w1", "w2", CHIP, 1, ((REVISIONS[1], "AKIAQ7RZ5TKM2WXY3VBN", "use it"),))
    kept = RunRecord(RunKey("a", ("x",), "w2"), ("k",), facts=RunFacts(suspects=(said,)))
    masked = mask_record(kept, make_redactor(("default",), [], []), {}, tmp_path)
    assert b"AKIAQ7RZ5TKM2WXY3VBN" in record.encode(kept)
    assert b"AKIAQ7RZ5TKM2WXY3VBN" not in record.encode(masked)
    assert record.decode(record.encode(kept)) == kept


def test_a_file_of_great_size_is_told_and_the_site_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    place.run("w1", 1)
    place.tell([1])
    monkeypatch.setattr(pushlog, "MOST_BYTES", 20)
    assert place.site.build().problems == ["pushes/team~2Fchip.jsonl: larger than 256 MiB"]
    assert place.push(1)["number"] is None


def test_more_pushes_move_no_page_of_older_ones(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tell(range(98))
    place.run("w5", 5)
    place.run("w60", 60)
    place.site.build()
    before = own(place)
    place.tell(range(103))
    place.site.build()
    after = own(place)
    list_of = "_pushes/team~2Fchip"
    changed = {p.rpartition(".")[0] for p in after if before.get(p) != after[p]}
    lists = {f"{list_of}/index", f"{list_of}/_part/0001", f"{list_of}/_part/0002", "_pushes/index"}
    assert changed == lists
    assert difference(place.site.tree, place.site.build_clean(tmp_path / "clean")) == []
    assert not crawl(place.site.tree).dead


def test_of_two_files_for_one_repository_the_second_counts_once_the_first_goes(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path)
    place.run("w2", 2)
    place.tell([1, 2])
    place.site.build()
    first = place.root / "pushes" / "a.jsonl"
    write_pushlog(first, CHIP, [Push((Commit(REVISIONS[2]),))])
    assert "a.jsonl tells of the same one" in place.site.build().problems[0]
    assert place.push(2)["number"] == 1
    first.unlink()
    assert not place.site.build().problems
    assert place.push(2)["number"] == 2


def test_a_commit_whose_revision_is_blank_is_none(tmp_path: Path) -> None:
    place = Place(tmp_path)
    said = {"push: commits[0]": " ", "push: commits[1]": f" {REVISIONS[0]} "}
    place.run("w0", 0, **said)
    assert not place.site.build().problems
    assert [one["revision"] for one in place.push(0)["commits"]] == [REVISIONS[0]]


def test_many_runs_of_one_push_hide_no_other_that_nobody_told_of() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(toldpushes.TABLES + pushruns.TABLES)
    book = pushruns.PushRuns(connection)
    for number in range(3 * MOST_UNTOLD):
        revision = "one" if number > 1 else f"other{number}"
        found = Provenance(CHIP, revision)
        book.note(f"a/x/{number}", RunKey("a", ("x",), str(number)), BASE + number, found)
    names = [at.revision for at in book.untold(CHIP, MOST_UNTOLD)]
    assert names == ["one", "other1", "other0"]


def test_a_push_is_found_by_its_own_number_as_the_file_tells_it_now() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(toldpushes.TABLES)
    told = toldpushes.ToldPushes(connection)
    pushes = [Push((Commit(one),), str(number)) for number, one in enumerate(REVISIONS[:9])]
    told.put(pushlog.Pushlog(CHIP, tuple(pushes)))
    assert told.find(CHIP, "7").revision == REVISIONS[7]
    told.put(pushlog.Pushlog(CHIP, tuple(pushes[:5])))
    assert told.find(CHIP, "7").number == toldpushes.UNTOLD
    assert told.find(CHIP, "4").revision == REVISIONS[4]
