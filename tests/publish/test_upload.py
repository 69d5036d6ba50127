"""The story of a publish, at a directory and at a real S3 server."""

import json

import pytest
import s3server
from publishers import Make, in_a_directory, make_fixture, watch
from publishing import DAY, NOW, add_run, dead_links, page, small_site

from mtsite.errors import PartlyDoneError
from mtsite.publish.shards import ROOT

_place = s3server.place_fixture()
_make = make_fixture()


def test_the_whole_tree_arrives(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    summary = one.publish()
    assert one.stored() == one.tree
    assert summary.new + summary.changed == len(one.tree)
    assert summary.generation == 1
    assert not dead_links(one.stored())


def test_nothing_new_is_one_request(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    summary = one.publish(now=NOW + DAY)
    assert summary.requests == {"GET": 1}
    assert summary.unchanged == len(one.tree)
    assert summary.generation == 0


def test_a_changed_page_costs_itself_a_shard_and_the_root(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    one.build(one.tree | {"a/index.html": page("t/index.html", text="new")})
    summary = one.publish()
    assert summary.requests == {"GET": 1, "PUT": 3}
    assert (summary.new, summary.changed, summary.generation) == (0, 1, 2)
    assert one.stored() == one.tree


def test_the_order_is_new_then_changed_deepest_first_then_the_root(make: Make) -> None:
    one = make("one")
    one.build(small_site(2))
    one.publish()
    site = dict(one.tree)
    add_run(site, 2)
    before = set(one.tree)
    one.build(site)
    opened = watch(one)
    one.publish()
    puts = opened[0].puts()
    assert set(puts[:4]) == set(site) - before
    assert puts[4:7] == ["a/t/index.html", "a/index.html", "index.html"]
    assert puts[7].startswith("_manifest/")
    assert puts[8:] == [ROOT]


@in_a_directory
def test_a_first_publish_sends_the_front_page_after_all_pages(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    opened = watch(one)
    one.publish()
    assert [path for path in opened[0].puts() if not path.startswith("_manifest/")][-1] == (
        "index.html"
    )


@in_a_directory
def test_a_lost_ledger_sends_nothing_again(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    one.ledger_file.unlink()
    summary = one.publish()
    assert summary.requests["PUT"] == 0
    assert one.publish().requests == {"GET": 1}


def test_volatile_files_go_last_and_only_when_they_changed(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    status, jobs = one.tree_dir / "_status.json", one.tree_dir / "_jobs" / "nightly.html"
    jobs.parent.mkdir()
    status.write_bytes(b"{}")
    jobs.write_bytes(b"one")
    opened = watch(one)
    assert one.publish().volatile == 2
    assert opened[0].puts()[-2:] == ["_jobs/nightly.html", "_status.json"]
    assert one.publish().requests == {"GET": 1}
    status.write_bytes(b'{"time": 1}')
    assert one.publish().requests == {"GET": 1, "PUT": 1}
    assert json.loads(one.stored()["_status.json"]) == {"time": 1}


def test_a_dry_run_predicts_the_requests_and_changes_nothing(make: Make) -> None:
    one = make("one")
    site = small_site() | {"a/old.html": b"old"}
    for day in range(4):
        site = site | {"a/index.html": page(text=str(day)), f"a/{day}.html": b"x"}
        one.build(site)
        (one.tree_dir / "_status.json").write_bytes(b"%d" % day)
        predicted = one.publish(now=NOW + day, dry_run=True)
        real = one.publish(now=NOW + day)
        for name in ("requests", "new", "changed", "dropped", "volatile", "shards", "plain_bytes"):
            assert getattr(predicted, name) == getattr(real, name), (day, name)
    one.build({path: content for path, content in site.items() if path != "a/old.html"})
    one.publish(now=NOW)
    predicted = one.publish(now=NOW + 8 * DAY, dry_run=True)
    assert predicted.deleted >= 1
    assert one.publish(now=NOW + 8 * DAY).requests == predicted.requests


@in_a_directory
def test_a_dry_run_of_a_first_publish_leaves_nothing_there(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    assert one.publish(dry_run=True).requests == {"GET": 1, "LIST": 1, "PUT": len(one.tree) + 2}
    assert one.stored() == {}


@in_a_directory
def test_a_file_that_changed_since_the_build_is_named_and_nothing_leads_to_it(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    site = dict(one.tree)
    add_run(site, 2)
    one.build(site)
    (one.tree_dir / "a/t/w02/compile/index.html").write_bytes(b"changed under us")
    (one.tree_dir / "a/t/w02/index.html").unlink()
    with pytest.raises(PartlyDoneError) as refused:
        one.publish()
    assert "a/t/w02/compile/index.html (changed)" in refused.value.message
    assert "a/t/w02/index.html (not on this disk)" in refused.value.message
    assert not dead_links(one.stored())
    assert "w02" not in one.stored()["a/t/index.html"].decode()
