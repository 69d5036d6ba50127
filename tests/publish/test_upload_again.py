"""A publish beside another, after one, after a crash: at a directory and at a real S3 server."""

from pathlib import Path

import pytest
import s3server
from publishers import Make, in_a_directory, make_fixture, watch
from publishing import DAY, NOW, Publishing, Watched, add_run, small_site

from mtsite.errors import BusyError, DestinationError
from mtsite.publish.headers import headers_for
from mtsite.publish.shards import ROOT

_place = s3server.place_fixture()
_make = make_fixture()


def test_two_publishers_of_different_changes_make_the_union(make: Make) -> None:
    one, two = make("one"), make("two")
    one.build(small_site())
    one.publish()
    two.build(small_site())
    two.publish()
    union = small_site()
    for turn in range(6):
        both = {}
        for name, publisher in (("one", one), ("two", two)):
            mine = {f"a/{name}-{turn}.html": b"new", f"a/{name}.html": b"%d" % turn}
            publisher.build(publisher.tree | mine)
            both.update(mine)
        one.publish(now=NOW + turn)
        two.publish(now=NOW + turn)
        union |= both
        assert one.stored() == union
    assert one.publish().requests["PUT"] == 0
    assert one.publish().requests == {"GET": 1}


def test_the_loser_of_a_race_plans_again(make: Make) -> None:
    one, two = make("one"), make("two")
    for publisher in (one, two):
        publisher.build(small_site())
        publisher.publish()
    one.build(one.tree | {"a/one.html": b"1", "a/both.html": b"one"})
    two.build(two.tree | {"a/two.html": b"2", "a/both.html": b"two"})
    raced = []

    def before(kind: str, path: str) -> None:
        if (kind, path) == ("PUT", ROOT) and not raced:
            raced.append(two.publish())

    one.wrap = lambda destination: Watched(destination, before)
    summary = one.publish()
    assert summary.lost_races == 1
    assert summary.generation == 3
    assert one.stored() == small_site() | {
        "a/one.html": b"1",
        "a/two.html": b"2",
        "a/both.html": b"one",
    }
    one.wrap = lambda destination: destination
    assert one.publish().requests == {"GET": 1}
    assert two.publish().requests["PUT"] == 0
    assert two.publish().requests == {"GET": 1}


def test_five_lost_races_end_with_who_is_busy(make: Make) -> None:
    one, two = make("one"), make("two")
    for publisher in (one, two):
        publisher.build(small_site())
        publisher.publish()
    one.build(one.tree | {"a/one.html": b"1"})
    turns = iter(range(100))

    def before(kind: str, path: str) -> None:
        if (kind, path) == ("PUT", ROOT):
            two.build(two.tree | {"a/two.html": b"%d" % next(turns)})
            two.publish()

    one.wrap = lambda destination: Watched(destination, before)
    with pytest.raises(BusyError, match="5 times in a row") as refused:
        one.publish()
    assert refused.value.exit_code == 11
    one.wrap = lambda destination: destination
    summary = one.publish()
    assert (summary.new, summary.resumed) == (0, 1)


@in_a_directory
def test_a_root_of_another_kind_is_not_overwritten(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    one.destination.put(ROOT, b'{"schema": "mtsite/manifest/9"}', headers_for(ROOT))
    with pytest.raises(DestinationError, match="mtsite/manifest/9"):
        one.publish()


def test_an_emptied_destination_is_filled_again(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    one.destination.delete([stored.path for stored in one.destination.list()])
    one.publish()
    assert one.stored() == one.tree


def test_a_missing_shard_is_named(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    one.ledger_file.unlink()
    shard = next(s.path for s in one.destination.list("_manifest/") if s.path != ROOT)
    one.destination.delete([shard])
    with pytest.raises(DestinationError, match=f"{shard}.*it is missing"):
        one.publish()


@in_a_directory
def test_nothing_new_does_not_look_at_the_tree_again(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    one.publish()
    walks = one.walks
    assert one.publish(now=NOW + DAY).requests == {"GET": 1}
    assert one.walks == walks
    one.build(one.tree | {"a/new.html": b"new"})
    assert one.publish(now=NOW + DAY).new == 1


@in_a_directory
def test_a_page_that_falls_due_is_seen_though_the_tree_is_the_same(make: Make) -> None:
    one = make("one")
    one.build(small_site() | {"a/old.html": b"old"})
    one.publish()
    one.build(small_site())
    one.publish(now=NOW)
    assert one.publish(now=NOW + DAY).deleted == 0
    assert one.publish(now=NOW + 8 * DAY).deleted == 1


@in_a_directory
def test_after_another_publisher_the_tree_is_compared_again(make: Make) -> None:
    one, two = make("one"), make("two")
    for publisher in (one, two):
        publisher.build(small_site())
        publisher.publish()
    two.build(small_site() | {"a/index.html": b"two"})
    two.publish()
    walks = one.walks
    assert one.publish().kept == 1
    assert one.walks > walks


def test_what_a_crash_of_the_machine_may_have_lost_is_sent_again(tmp_path: Path) -> None:
    one = Publishing(tmp_path / "one", str(tmp_path / "www"))
    one.build(small_site())

    def refuse_root(kind: str, path: str) -> None:
        if (kind, path) == ("PUT", ROOT):
            raise DestinationError("the power fails")

    one.wrap = lambda destination: Watched(destination, refuse_root)
    with pytest.raises(DestinationError):
        one.publish()
    one.wrap = lambda destination: destination
    one.destination.epoch = "after the next start"
    (tmp_path / "www" / "a" / "index.html").write_bytes(b"")
    assert one.publish().resumed == 0
    assert one.stored() == one.tree


@in_a_directory
def test_files_are_safe_before_anything_leads_to_them(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    site = dict(one.tree)
    add_run(site, 2)
    one.build(site)
    opened = watch(one)
    one.publish()
    seen = [("NEW" if path not in small_site() else path, kind) for kind, path in opened[0].seen]
    kinds = [kind for _, kind in seen]
    first = kinds.index("FLUSH")
    assert all(name == "NEW" for name, kind in seen[:first] if kind == "PUT")
    assert kinds[-2:] == ["FLUSH", "PUT"]
