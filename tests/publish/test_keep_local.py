"""`[site] keep_local`: pages of old runs leave the disk, and stay where the site is published."""

import shutil
from pathlib import Path

import pytest
import s3server
from areas import BASE, TestArea, make_area, run
from areas import test as row
from publishing import dead_links, plain
from sites import VOLATILE, TestSite, files_of, make_site

from mtsite import cli
from mtsite.build.verify import verify_site
from mtsite.engines.inprocess import InProcess
from mtsite.errors import PartlyDoneError
from mtsite.invocation import Invocation
from mtsite.publish.destination import open_destination
from mtsite.publish.keeplocal import is_elsewhere
from mtsite.publish.restore import recover
from mtsite.publish.summary import PublishSummary
from mtsite.publish.upload import publish_site
from mtsite.serve import open_server

DAY = 86_400
NOW = BASE + 200 * DAY
TARGET = "ubuntu/nfs"
OLD, NEW = f"fullrun/{TARGET}/old", f"fullrun/{TARGET}/new"


def area_of(root: Path) -> TestArea:
    return make_area(
        root,
        runs=[
            run(
                TARGET,
                "old",
                [row("good", log="fine\n"), row("bad", status="FAIL")],
                event_time=BASE,
            ),
            run(TARGET, "middle", [row("good", log="well\n")], event_time=BASE + 150 * DAY),
            run(TARGET, "new", [row("good", log="good\n")], event_time=BASE + 190 * DAY),
        ],
    )


@pytest.fixture(params=["directory", "s3"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TestSite:
    """A site of three runs, the oldest 200 days old, that keeps 90 days."""
    settings = f'[publish]\ndestination = "{tmp_path / "www"}"\n'
    if request.param == "s3":
        server: s3server.Server = request.getfixturevalue("s3")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        settings = (
            f'[publish]\ndestination = "s3://{server.make_bucket()}/x"\n'
            f'endpoint_url = "{server.endpoint}"\n'
        )
    made = make_site(tmp_path, area_of(tmp_path))
    text = made.root.joinpath("mtsite.toml").read_text()
    keep = text.replace("[site]", '[site]\nkeep_local = "90d"')
    made.root.joinpath("mtsite.toml").write_text(f"{keep}\n{settings}")
    return made


in_a_directory = pytest.mark.parametrize("site", ["directory"], indirect=True)


def publish(site: TestSite, now: float = NOW, **words: bool) -> PublishSummary:
    return publish_site(site.config(), now=now, **words)


def published(site: TestSite, *, pulse: bool = False) -> dict[str, bytes]:
    """What lies there; the volatile files only where `pulse` asks for them."""
    config = site.config()
    there = open_destination(config.publish.destination, config.publish)
    found = {}
    for each in there.list():
        if not each.path.startswith(("_manifest/", *(() if pulse else VOLATILE))):
            answer = there.get(each.path)
            assert answer is not None
            found[each.path] = plain(answer.content)
    there.close()
    return found


def test_old_pages_leave_the_disk_and_stay_published(site: TestSite) -> None:
    site.build()
    whole = files_of(site.tree)
    done = publish(site)
    left = files_of(site.tree)
    gone = whole.keys() - left.keys()
    assert gone == {path for path in whole if path.startswith(f"{OLD}/")}
    assert (done.let_go.files, done.let_go.bytes) == (len(gone), sum(len(whole[p]) for p in gone))
    assert not (site.tree / OLD).exists()
    assert published(site) == whole
    there = published(site, pulse=True)
    assert dead_links(there, sorted(p for p in whole if p.endswith(".html"))) == set()


def test_no_build_makes_them_again_and_no_publish_misses_them(site: TestSite) -> None:
    site.build()
    publish(site)
    whole = published(site)
    assert site.build().written == 0
    done = publish(site)
    assert (done.requests, done.dropped, done.let_go.files) == ({"GET": 1}, 0, 0)
    # Long after the grace time, too, with the whole tree compared.
    assert publish(site, NOW + 60 * DAY).deleted == 0
    assert published(site) == whole


def test_what_is_here_equals_a_clean_build_and_the_rest_does_by_digest(site: TestSite) -> None:
    site.build()
    publish(site)
    found = verify_site(site.config(), InProcess(1), lambda *_: None, environ={})
    assert found.differing == ()
    assert found.elsewhere > 3


@in_a_directory
def test_a_full_build_and_a_new_template_write_them_again(site: TestSite) -> None:
    site.build()
    whole = files_of(site.tree)
    publish(site)
    site.build(full=True)
    assert files_of(site.tree) == whole
    assert publish(site).let_go.files > 0
    own = site.root / "templates" / "run.html"
    own.parent.mkdir()
    packaged = Path(cli.__file__).parents[1] / "templates" / "run.html"
    own.write_text(packaged.read_text() + "{% block own %}{% endblock %}")
    site.build()
    again = files_of(site.tree)
    assert f"{OLD}/index.html" in again
    assert publish(site).let_go.files > 0
    assert published(site).keys() == whole.keys()


def test_a_lost_state_is_survived(site: TestSite) -> None:
    site.build()
    publish(site)
    whole = published(site)
    shutil.rmtree(site.state)
    assert recover(site.config(), lambda *_: None, lambda _: None) == []
    site.build()
    done = publish(site)
    assert (done.new, done.changed, done.dropped) == (0, 0, 0)
    assert done.requests.get("PUT", 0) == done.volatile
    assert done.let_go.files > 0
    assert published(site) == whole


def test_a_new_machine_gets_logs_and_records_back_and_sends_nothing(site: TestSite) -> None:
    """Tree, state and all run directories are gone; the databases and the bucket are left."""
    site.build()
    publish(site)
    whole = published(site)
    for place in (site.tree, site.state, *places(site.root)):
        shutil.rmtree(place)
    for place in places(site.root):
        place.mkdir()  # a linktree that is not there at all would be told on the area's page
    said: list[str] = []
    assert recover(site.config(), lambda *_: None, said.append) == []
    assert "3 records and 3 logs" in said[0]
    site.build()
    kept = {path: c for path, c in whole.items() if path.startswith(("_blobs/", "_record/"))}
    here = files_of(site.tree)
    assert {path: here.get(path) for path in kept} == kept
    done = publish(site)
    assert (done.requests.get("PUT", 0), done.dropped) == (done.volatile, 0)
    assert published(site) == whole


@in_a_directory
def test_a_kill_among_the_removals_is_made_good(
    site: TestSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.build()
    old = [path for path in files_of(site.tree) if path.startswith(f"{OLD}/")]
    removed: list[str] = []
    unlink = Path.unlink

    def dies(path: Path, missing_ok: bool = False) -> None:
        if f"/{OLD}/" in str(path):
            removed.append(str(path))
            if len(removed) == 2:
                raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", dies)
    with pytest.raises(KeyboardInterrupt):
        publish(site)
    monkeypatch.undo()
    assert (site.tree / OLD).exists()
    assert site.build().written == 0
    assert publish(site).let_go.files == len(old) - 1
    assert not (site.tree / OLD).exists()


def test_a_new_run_leads_to_pages_that_are_only_there(site: TestSite) -> None:
    site.build()
    publish(site)
    area = TestArea("fullrun", site.root / "fullrun", ("sysname", "fsname"), *places(site.root))
    area.add_run(run(TARGET, "newest", [row("good", log="new\n")], event_time=BASE + 195 * DAY))
    site.build()
    publish(site)
    there = published(site, pulse=True)
    assert f"fullrun/{TARGET}/newest/index.html" in there
    assert f"{OLD}/index.html" in there
    pages = sorted(path for path in there if path.endswith(".html"))
    assert dead_links(there, pages) == set()
    assert not (site.tree / OLD).exists()


def places(root: Path) -> tuple[Path, Path]:
    """Linktree and disk of the area, as `make_area` lays them."""
    return root / "fullrun_links", root / "fullrun_disk"


@in_a_directory
def test_a_page_that_nobody_published_stays(site: TestSite) -> None:
    site.build()
    publish(site, dry_run=True)
    assert (site.tree / OLD / "index.html").exists()


@in_a_directory
def test_another_destination_lets_nothing_go_and_says_what_to_do(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["--config", str(site.root / "mtsite.toml"), "publish"]
    site.build()
    assert cli.run([*call, str(site.root / "second")], Invocation()) == 0
    assert (site.tree / OLD / "index.html").exists()
    assert cli.run(call, Invocation()) == 0
    assert "left this disk" in capsys.readouterr().out
    assert not (site.tree / OLD / "index.html").exists()
    assert cli.run([*call, str(site.root / "third")], Invocation()) == 3
    said = capsys.readouterr().err
    assert "index.html (not on this disk)" in said
    assert "mtsite build --full" in said


@in_a_directory
def test_what_somebody_deleted_there_is_named_not_forgotten(site: TestSite) -> None:
    site.build()
    publish(site)
    (Path(site.config().publish.destination) / OLD / "index.html").unlink()
    with pytest.raises(PartlyDoneError, match="not on this disk"):
        publish(site, audit=True)
    site.build(full=True)
    publish(site, audit=True)
    assert f"{OLD}/index.html" in published(site)


@in_a_directory
def test_an_audit_reads_what_is_only_there(site: TestSite) -> None:
    site.build()
    publish(site)
    found = publish(site, audit=True).audit
    assert found is not None
    assert (found.missing, found.damaged) == ([], [])
    (Path(site.config().publish.destination) / OLD / "index.html").write_bytes(b"overwritten")
    with pytest.raises(PartlyDoneError):
        publish(site, audit=True)


@in_a_directory
def test_the_preview_says_where_a_page_is(site: TestSite) -> None:
    import http.client
    import threading

    site.build()
    publish(site)
    state = site.config().state_dir
    server = open_server(
        site.tree, 0, lambda _: "text/html", lambda path: path if is_elsewhere(state, path) else ""
    )
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    said = {}
    for path in (f"{OLD}/index.html", f"{NEW}/index.html", "never/was.html"):
        asked = http.client.HTTPConnection("127.0.0.1", server.server_port)
        asked.request("GET", f"/{path}")
        answer = asked.getresponse()
        said[path] = (answer.status, b"keep_local" in answer.read())
        asked.close()
    server.shutdown()
    server.server_close()
    assert list(said.values()) == [(404, True), (200, False), (404, False)]
