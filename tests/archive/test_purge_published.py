"""Content taken back from the destination, after any death, and the command that does it."""

import json
from collections.abc import Callable

import pytest
import s3server
from archive.purging import (
    NOW,
    OWN,
    RUN,
    SECRET,
    configure,
    here,
    holding,
    take_back,
    the_run,
    there,
    www,
)
from archive.purging import area as area
from archive.purging import both as both
from archive.purging import once as once
from archive.purging import site as site
from areas import TestArea
from calling import called
from crawl import crawl, pages
from sites import TestSite

from mtsite import departures
from mtsite.archive.purge import plan_rule
from mtsite.errors import DestinationError
from mtsite.publish.ledger import Ledger, ledger_file
from mtsite.publish.localdir import LocalDir
from mtsite.publish.upload import publish_site


@pytest.fixture(params=["directory", "s3"])
def somewhere(
    request: pytest.FixtureRequest,
    site: TestSite,
    area: TestArea,
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
    site: TestSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = LocalDir.delete
    seen: list[list[str]] = []

    def watched(self: LocalDir, paths: list[str]) -> None:
        seen.append(crawl(www(site), pages(www(site))).dead)
        assert b"aken back on" in (www(site) / RUN / "index.html").read_bytes()
        delete(self, paths)

    monkeypatch.setattr(LocalDir, "delete", watched)
    take_back(site, the_run(site))
    assert seen == [[]]
    assert crawl(www(site), pages(www(site))).dead == []


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
    site: TestSite, monkeypatch: pytest.MonkeyPatch
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
