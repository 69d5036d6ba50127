"""An audit finds what the manifest doesn't know, and the publish with it mends what it can."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import s3server
from publishing import NOW, Publishing, add_run, small_site

from mtsite.config import PublishConfig
from mtsite.publish.audit import Audit
from mtsite.publish.headers import headers_for
from mtsite.publish.publisher import Terms


@pytest.fixture(params=["directory", "s3"])
def one(
    request: pytest.FixtureRequest,
    s3: s3server.Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Publishing]:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    url = f"s3://{s3.make_bucket()}/x" if request.param == "s3" else str(tmp_path / "www")
    opened = Publishing(tmp_path / "one", url, PublishConfig(endpoint_url=s3.endpoint))
    opened.build(small_site())
    opened.publish()
    yield opened
    opened.close()


def audited(one: Publishing) -> Audit:
    found = one.publish(audit=True).audit
    assert found is not None
    return found


def put(one: Publishing, path: str, content: bytes) -> None:
    one.destination.put(path, content, headers_for(path))


def test_a_whole_destination_has_nothing_to_mend(one: Publishing) -> None:
    summary = one.publish(audit=True)
    assert summary.audit == Audit(objects=len(list(one.destination.list())))
    assert summary.requests["PUT"] == 0


def test_what_somebody_deleted_is_put_again(one: Publishing) -> None:
    one.destination.delete(["a/t/w00/index.html", "index.html"])
    assert one.publish().requests["PUT"] == 0
    found = audited(one)
    assert found.missing == ["a/t/w00/index.html", "index.html"]
    assert one.stored() == one.tree
    assert audited(one).missing == []


def test_what_somebody_overwrote_is_put_again(one: Publishing) -> None:
    put(one, "a/index.html", b"defaced")
    assert audited(one).damaged == ["a/index.html"]
    assert one.stored() == one.tree


def test_what_is_nobodys_is_named_and_left(one: Publishing) -> None:
    put(one, "holiday.html", b"hello")
    assert audited(one).foreign == ["holiday.html"]
    assert one.stored()["holiday.html"] == b"hello"


def test_what_was_deleted_and_lies_there_again_is_nobodys(one: Publishing) -> None:
    """A deletion that the server took and did not do, or an upload that came after it."""
    page = one.tree["a/t/w01/index.html"]
    one.build({path: content for path, content in one.tree.items() if "w01" not in path})
    one.publish()
    assert one.publish(now=NOW + 8 * 86_400).deleted > 0
    put(one, "a/t/w01/index.html", page)
    assert audited(one).foreign == ["a/t/w01/index.html"]


def test_a_lost_part_of_the_manifest_is_written_anew(one: Publishing) -> None:
    (shard,) = (p for s in one.destination.list() if (p := s.path).endswith(".jsonl.gz"))
    one.destination.delete([shard])
    assert audited(one).shards == [shard]
    one.ledger_file.unlink()
    assert one.publish().requests["PUT"] == 0


def test_what_lies_there_already_is_not_sent_when_state_and_root_are_lost(
    one: Publishing,
) -> None:
    one.ledger_file.unlink()
    one.destination.delete(["_manifest/root.json"])
    summary = one.publish(audit=True)
    assert summary.audit is not None
    assert len(summary.audit.adopted) == len(one.tree)
    assert summary.requests["PUT"] <= summary.shards + 2
    assert one.stored() == one.tree


def test_a_dry_run_tells_and_mends_nothing(one: Publishing) -> None:
    one.destination.delete(["index.html"])
    found = one.publish(audit=True, dry_run=True)
    assert found.audit is not None
    assert (found.audit.missing, found.paths) == (["index.html"], ["index.html"])
    assert "index.html" not in one.stored()
    assert audited(one).missing == ["index.html"]


def test_what_another_publisher_must_mend_is_named(one: Publishing, tmp_path: Path) -> None:
    other = Publishing(tmp_path / "other", one.url, one.settings)
    site = dict(one.tree)
    add_run(site, 2)
    other.build(site)
    other.publish()
    one.destination.delete(["a/t/w02/index.html"])
    assert audited(one).lost == ["a/t/w02/index.html"]
    other.publish(audit=True)
    assert other.stored() == other.tree
    other.close()


def test_no_more_is_deleted_at_once_than_allowed(one: Publishing) -> None:
    one.build({path: content for path, content in one.tree.items() if "/w01/" not in path})
    one.publish()
    later = NOW + Terms(NOW).grace + 1
    gone = one.publish(now=later, max_deletes=1)
    assert gone.deleted == 1
    rest = one.publish(now=later)
    assert rest.deleted >= 1
    assert one.stored() == one.tree


def test_paths_that_changed_are_listed(one: Publishing) -> None:
    one.build(one.tree | {"index.html": b"<!doctype html>new"})
    assert one.publish().paths == ["index.html"]
    assert one.publish().paths == []
