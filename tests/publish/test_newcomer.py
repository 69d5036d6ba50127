"""A first publish to a place that isn't empty."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3server
from publishing import Publishing, add_run, small_site

from mtsite.errors import DestinationError
from mtsite.publish import newcomer
from mtsite.publish.headers import headers_for

_place = s3server.place_fixture()


@pytest.fixture
def one(place: s3server.Place, tmp_path: Path) -> Iterator[Publishing]:
    url, settings = place
    publisher = Publishing(tmp_path / "one", url, settings)
    publisher.build(small_site())
    yield publisher
    publisher.close()


def lay(one: Publishing, path: str, content: bytes = b"somebody's") -> None:
    one.destination.put(path, content, headers_for(path))


def test_what_is_foreign_is_named_and_left_alone(one: Publishing) -> None:
    lay(one, "notes/todo.txt")
    lay(one, "zoo.html")
    said = one.publish(dry_run=True)
    done = one.publish()
    assert said.foreign == done.foreign == ["notes/todo.txt", "zoo.html"]
    assert [line for line in done.lines() if "notes/todo.txt" in line and "--audit" in line]
    assert one.stored()["zoo.html"] == b"somebody's"
    assert one.publish().foreign == []


def test_another_site_is_not_overwritten(one: Publishing) -> None:
    lay(one, "index.html", b"<title>another site</title>")
    for dry_run in (True, False):
        with pytest.raises(DestinationError, match=r"would replace: index\.html") as refused:
            one.publish(dry_run=dry_run)
        assert refused.value.exit_code == 12
        assert "--audit" in refused.value.hint
    assert one.stored() == {"index.html": b"<title>another site</title>"}
    one.publish(audit=True)
    assert one.stored() == one.tree


def test_a_front_page_behind_many_objects_is_seen(
    one: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomer, "LOOK", 3)
    for number in range(5):
        lay(one, f"alien/{number}.txt")
    lay(one, "index.html")
    with pytest.raises(DestinationError, match=r"index\.html"):
        one.publish()


def test_a_copy_of_the_site_is_no_obstacle(one: Publishing) -> None:
    lay(one, "index.html", one.tree["index.html"])
    assert one.publish().foreign == []
    assert one.stored() == one.tree


def test_what_a_first_publish_that_died_left_is_its_own(one: Publishing) -> None:
    one.publish()
    site = dict(one.tree)
    one.destination.delete(["_manifest/root.json"])
    one.ledger_file.unlink()
    add_run(site, 2)
    one.build(site)
    with pytest.raises(DestinationError, match="would replace"):
        one.publish()
    done = one.publish(audit=True)
    assert done.audit is not None
    assert len(done.audit.adopted) > 5
    assert one.stored() == site


def test_an_empty_place_costs_one_listing_once(one: Publishing) -> None:
    assert one.publish().requests["LIST"] == 1
    assert "LIST" not in one.publish().requests


def test_names_that_no_site_has_are_told_and_left(tmp_path: Path) -> None:
    www = tmp_path / "www"
    www.mkdir()
    broken = os.fsdecode(b"\xff\n\x1b[31m.txt")
    (www / broken).write_text("somebody's")
    one = Publishing(tmp_path / "one", str(www))
    one.build(small_site(1))
    assert one.publish().foreign == [broken]
    found = one.publish(audit=True).audit
    assert found is not None
    assert found.foreign == [broken]
    assert (www / broken).exists()
    one.close()
