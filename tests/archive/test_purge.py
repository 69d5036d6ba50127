"""Content taken back: from records, pages, store and destination, and nothing leads nowhere."""

import gzip
import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import s3server
from areas import BASE, DAY, TestArea, make_area, run, test
from calling import called
from crawl import crawl, pages
from shards import read_shard
from sites import TestSite, difference, make_site

from mtsite import departures
from mtsite.archive.names import find_run
from mtsite.archive.purge import PurgePlan, plan_blob, plan_rule, plan_run
from mtsite.archive.records import Who
from mtsite.archive.remask import changed_lines
from mtsite.departures import PurgeSummary, RetainTerms, purge
from mtsite.errors import DestinationError, MissingError, UsageError
from mtsite.logs.redact import make_redactor
from mtsite.publish.destination import Destination, open_destination
from mtsite.publish.ledger import Ledger, ledger_file
from mtsite.publish.localdir import LocalDir
from mtsite.publish.upload import publish_site
from mtsite.terminal import TerminalReport

_s3 = s3server.server_fixture()
NOW = BASE + 100 * DAY
SECRET = "customer Umbrella Corp"
RUN = "fullrun/ubuntu/nfs/w1"
SUMS = {"_search", "_clusters"}
SHARED = "the same in every run\n"


def spec(number: int):
    text = f"ERROR: {SECRET} {number}\n" if number < 3 else "ERROR: no\n"
    said = {"testconfig": f"[test_meta]\ndescription w{number} for {SECRET if number < 3 else 0}\n"}
    tests = [
        test("own", status="FAIL", log=text, files=said),
        test("shared", log=SHARED),
        test("plain", comment=f"a comment of w{number}"),
    ]
    return run("ubuntu/nfs", f"w{number}", tests, comment=f"about w{number}")


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    return make_area(tmp_path, runs=[spec(number) for number in range(4)])


@pytest.fixture
def site(tmp_path: Path, area: TestArea) -> TestSite:
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    configure(made, area, str(tmp_path / "www"))
    made.build()
    publish_site(made.config(), now=NOW)
    return made


def configure(site: TestSite, area: TestArea, destination: str, extra: str = "") -> None:
    settings = f'[build]\nengine = "inprocess"\n[publish]\ndestination = "{destination}"\n{extra}'
    site.write_config({area.name: area.path}, settings)


def take_back(site: TestSite, plan: PurgePlan, why: str = "they asked us to") -> PurgeSummary:
    terms = RetainTerms(Who("maria", NOW, "mtsite purge"), environ={})
    return purge(site.config(), plan, terms, why, TerminalReport(verbosity=-1))


def the_run(site: TestSite) -> PurgePlan:
    return plan_run(site.config(), find_run(site.config(), RUN, {}))


def published(destination: Destination) -> dict[str, bytes]:
    """Path → plain content of everything that lies there but the manifest."""
    found = {}
    for stored in destination.list():
        if not stored.path.startswith("_manifest/"):
            there = destination.get(stored.path)
            assert there is not None
            packed = there.content.startswith(b"\x1f\x8b")
            found[stored.path] = gzip.decompress(there.content) if packed else there.content
    return found


def there(site: TestSite) -> dict[str, bytes]:
    settings = site.config().publish
    destination = open_destination(settings.destination, settings)
    try:
        return published(destination)
    finally:
        destination.close()


def folder(path: str) -> str:
    return path.partition("/")[0]


def holding(files: dict[str, bytes], word: str) -> list[str]:
    return sorted(path for path, content in files.items() if word.encode() in content)


def here(site: TestSite) -> dict[str, bytes]:
    files = (path for path in site.tree.rglob("*") if path.is_file())
    return {path.relative_to(site.tree).as_posix(): path.read_bytes() for path in files}


def whole(site: TestSite) -> None:
    assert crawl(site.tree, pages(site.tree)).dead == []
    assert difference(site.tree, site.build_clean(site.root / "clean")) == []
    shutil.rmtree(site.root / "clean")


# -- a run ----------------------------------------------------------------------------------------


def test_nothing_of_a_purged_run_but_names_and_counts_is_left(site: TestSite) -> None:
    words = (f"{SECRET} 1", "about w1", "a comment of w1")
    assert all(holding(here(site), word) for word in words)
    summary = take_back(site, the_run(site))
    for word in words:
        assert holding(here(site), word) == []
        assert holding(there(site), word) == []
    assert len(summary.blobs) == 1
    whole(site)


def test_neither_search_nor_clusters_know_a_purged_run_but_by_its_name(
    area: TestArea, tmp_path: Path
) -> None:
    said = {"host": "secrethost", "log": "ERROR: the vault of Umbrella leaks\n"}
    failed = test("vault_test", status="FAIL", **said)
    area.add_run(run("ubuntu/nfs", "w9", [failed, test("calm_test")], owner="carlos"))
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    configure(site, area, str(tmp_path / "www"))
    site.build()
    publish_site(site.config(), now=NOW)
    words = ("vault_test", "calm_test", "Umbrella leaks", "secrethost", "carlos")
    assert all(set(map(folder, holding(here(site), word))) & SUMS for word in words)
    take_back(site, plan_run(site.config(), find_run(site.config(), "fullrun/ubuntu/nfs/w9", {})))
    for files in (here(site), there(site)):
        for word in words:
            assert set(map(folder, holding(files, word))) & SUMS == set()
        assert "w9" in json.dumps(read_shard(files["_search/2023-11-1.js"])["runs"])


def test_its_addresses_say_who_took_it_back_and_why(site: TestSite) -> None:
    take_back(site, the_run(site))
    files = there(site)
    for path in ("index.html", "own/index.html", "own/_log/final.log.html"):
        page = files[f"{RUN}/{path}"].decode()
        assert "aken back on 2024-02-22 by maria: they asked us to" in page


def test_a_log_that_other_runs_have_stays_and_is_named(site: TestSite) -> None:
    plan = the_run(site)
    ((blob, runs),) = plan.shared.items()
    assert (runs, (site.tree / blob).read_text()) == (3, SHARED)
    take_back(site, plan)
    assert (site.tree / blob).exists()


def test_no_later_build_brings_it_back(site: TestSite) -> None:
    take_back(site, the_run(site))
    site.build(full=True)
    assert holding(here(site), f"{SECRET} 1") == []
    shutil.rmtree(site.state)
    site.build()
    assert holding(here(site), f"{SECRET} 1") == []


def test_other_runs_stay_as_they_were(site: TestSite) -> None:
    before = here(site)["fullrun/ubuntu/nfs/w2/own/index.html"]
    take_back(site, the_run(site))
    assert here(site)["fullrun/ubuntu/nfs/w2/own/index.html"] == before


# -- one stored log -------------------------------------------------------------------------------


def blob_with(site: TestSite, word: str) -> str:
    (path,) = [p for p in (site.tree / "_blobs").glob("??/*") if word in p.read_text()]
    return path.relative_to(site.tree).as_posix()


def test_a_stored_log_goes_from_every_run_that_has_it(site: TestSite) -> None:
    blob = blob_with(site, SHARED)
    plan = plan_blob(site.config(), blob)
    assert len(plan.runs) == 4
    take_back(site, plan)
    assert holding(here(site), SHARED.strip()) == holding(there(site), SHARED.strip()) == []
    page = here(site)[f"{RUN}/shared/_log/final.log.html"].decode()
    assert "aken back on" in page
    whole(site)


def test_what_was_found_in_it_goes_along(site: TestSite) -> None:
    take_back(site, plan_blob(site.config(), blob_with(site, f"{SECRET} 1").split("/")[-1][:12]))
    assert holding(here(site), f"{SECRET} 1") == holding(there(site), f"{SECRET} 1") == []
    assert holding(here(site), "a comment of w1")
    whole(site)


def test_a_digest_that_is_not_stored_is_told(site: TestSite) -> None:
    with pytest.raises(MissingError, match="no stored log"):
        plan_blob(site.config(), "0" * 64)


# -- a rule ---------------------------------------------------------------------------------------

OWN = '[[redact.own]]\nname = "customer"\nregex = "Umbrella Corp"\n'


def test_a_rule_reaches_runs_that_are_gone(site: TestSite, area: TestArea, tmp_path: Path) -> None:
    area.drop_run("w1")
    shutil.rmtree(area.linktree)
    site.build(allow_drop=True)
    configure(site, area, str(tmp_path / "www"), OWN)
    assert holding(here(site), "Umbrella")
    take_back(site, plan_rule(site.config(), "customer", lambda *_: None, store=True))
    assert holding(here(site), "Umbrella") == []


def test_a_rule_that_redact_does_not_have_is_refused(site: TestSite) -> None:
    with pytest.raises(UsageError, match="no such rule"):
        plan_rule(site.config(), "customer", lambda *_: None, store=False)


def test_a_rule_that_masks_nothing_new_is_refused(
    site: TestSite, area: TestArea, tmp_path: Path
) -> None:
    configure(site, area, str(tmp_path / "www"), '[redact]\nrules = ["github-token"]\n')
    with pytest.raises(UsageError, match="what comes later would not be masked"):
        plan_rule(site.config(), "password", lambda *_: None, store=False)


def test_a_line_as_long_as_a_log_is_masked_again_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "_blobs/aa/a.log"
    path.parent.mkdir(parents=True)
    long = b"x" * (24 << 20)
    path.write_bytes(b"one\nUmbrella " + long + b"\n" + long + b" Umbrella\nfour\n")
    redactor = make_redactor([], [("customer", "Umbrella")])
    tracemalloc.start()
    changed = changed_lines(path, redactor)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {number: line[:22] for number, line in changed.items()} == {
        2: "▮▮▮[customer]▮▮▮ xxxxx",
        3: "x" * 22,
    }
    assert peak < 10 << 20


def test_looking_at_what_a_rule_would_do_writes_nothing(
    site: TestSite, area: TestArea, tmp_path: Path
) -> None:
    configure(site, area, str(tmp_path / "www"), OWN)
    before = here(site)
    assert plan_rule(site.config(), "customer", lambda *_: None, store=False).blobs
    assert here(site) == before


# -- the destination ------------------------------------------------------------------------------


@pytest.fixture(params=["directory", "s3"])
def somewhere(
    request: pytest.FixtureRequest,
    site: TestSite,
    area: TestArea,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> TestSite:
    """The site, published to a directory or to a real S3 server."""
    if request.param == "s3":
        s3: s3server.Server = request.getfixturevalue("s3")
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        address = f's3://{s3.make_bucket()}/x"\nendpoint_url = "{s3.endpoint}'
        configure(site, area, address)
        publish_site(site.config(), now=NOW)
    return site


def test_objects_are_deleted_there_at_once_and_the_manifest_says_so(somewhere: TestSite) -> None:
    gone = the_run(somewhere).blobs
    summary = take_back(somewhere, the_run(somewhere))
    assert summary.deleted >= 1
    assert not set(gone) & there(somewhere).keys()
    config = somewhere.config()
    url, endpoint = config.publish.destination, config.publish.endpoint_url
    with Ledger.open(ledger_file(config.state_dir, url, endpoint), keep=False) as ledger:
        known = {row.path: row for row in ledger.published()}
    assert all(not known[blob].digest for blob in gone)
    assert publish_site(config, now=NOW).requests["PUT"] <= 2


def test_what_is_published_is_the_tree_afterwards(somewhere: TestSite) -> None:
    take_back(somewhere, the_run(somewhere))
    assert there(somewhere) == here(somewhere)


def test_a_new_rule_masks_what_was_published_before_it(somewhere: TestSite, area: TestArea) -> None:
    publish = somewhere.config().publish
    endpoint = f'"\nendpoint_url = "{publish.endpoint_url}' if publish.endpoint_url else ""
    configure(somewhere, area, f"{publish.destination}{endpoint}", OWN)
    assert holding(there(somewhere), "Umbrella")
    plan = plan_rule(somewhere.config(), "customer", lambda *_: None, store=True)
    assert (len(plan.blobs), len(plan.runs)) == (3, 3)
    take_back(somewhere, plan)
    assert holding(here(somewhere), "Umbrella") == holding(there(somewhere), "Umbrella") == []
    masked = "ERROR: customer ▮▮▮[customer]▮▮▮ 1"
    assert any(path.startswith("_blobs/") for path in holding(there(somewhere), masked))
    assert masked in here(somewhere)[f"{RUN}/own/index.html"].decode()
    assert crawl(somewhere.tree, pages(somewhere.tree)).dead == []


def test_stubs_stand_before_anything_is_deleted(
    site: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = LocalDir.delete
    seen: list[list[str]] = []

    def watched(self: LocalDir, paths: list[str]) -> None:
        seen.append(crawl(tmp_path / "www", pages(tmp_path / "www")).dead)
        assert b"aken back on" in (tmp_path / "www" / RUN / "index.html").read_bytes()
        delete(self, paths)

    monkeypatch.setattr(LocalDir, "delete", watched)
    take_back(site, the_run(site))
    assert seen == [[]]
    assert crawl(tmp_path / "www", pages(tmp_path / "www")).dead == []


def test_a_lost_state_does_not_keep_objects_alive(site: TestSite) -> None:
    (ledger,) = site.state.glob("published-*.db")
    ledger.unlink()
    take_back(site, the_run(site))
    assert holding(there(site), f"{SECRET} 1") == []


Break = Callable[..., None]


@pytest.mark.parametrize("broken", ["take_back", "rebuild", "read_taken_back"])
def test_dying_is_finished_by_the_same_call(
    site: TestSite, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(departures, broken, die)
        with pytest.raises(KeyboardInterrupt):
            take_back(site, the_run(site))
    assert crawl(site.tree, pages(site.tree)).dead == []
    take_back(site, the_run(site))
    assert holding(here(site), f"{SECRET} 1") == holding(there(site), f"{SECRET} 1") == []


def test_a_destination_that_refuses_is_finished_later(
    site: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: LocalDir, paths: list[str]) -> None:
        raise DestinationError("no right to delete")

    with monkeypatch.context() as patched:
        patched.setattr(LocalDir, "delete", refuse)
        with pytest.raises(DestinationError):
            take_back(site, the_run(site))
    assert holding(here(site), f"{SECRET} 1") == []
    assert take_back(site, the_run(site)).deleted >= 1
    assert holding(there(site), f"{SECRET} 1") == []


# -- the command ----------------------------------------------------------------------------------


def test_without_yes_it_only_says_what_it_would_do(
    site: TestSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site.root)
    before = here(site)
    ended = called(["purge", RUN, "--why", "x"], capsys)
    assert ended.code == 0
    assert "would be deleted" in ended.out
    assert "--yes does it" in ended.err
    assert here(site) == before


def test_a_reason_is_asked_for(
    site: TestSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site.root)
    assert called(["purge", RUN, "--yes"], capsys).code == 2


def test_who_and_why_are_in_the_journal(
    site: TestSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site.root)
    ended = called(["purge", RUN, "--why", "they asked", "--yes", "--json"], capsys)
    document = json.loads(ended.out)
    assert (document["done"], document["runs"]) == (True, [RUN])
    assert document["deleted_there"] >= 1
    line = json.loads((site.state / "let-go.jsonl").read_text())
    assert (line["command"], line["why"], line["of"]) == (
        "mtsite purge",
        "they asked",
        f"run {RUN}",
    )
    assert line["who"]
