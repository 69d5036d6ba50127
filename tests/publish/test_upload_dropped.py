"""What leaves the tree leaves the destination: after a grace time, and never by mistake."""

import pytest
import s3server
from publishers import Make, in_a_directory, make_fixture, root_of
from publishing import DAY, NOW, Watched, page, small_site

from mtsite.errors import DestinationError, MissingError, UsageError
from mtsite.publish.destination import Destination
from mtsite.publish.publisher import MANY_VOLATILE
from mtsite.publish.shards import ROOT

_place = s3server.place_fixture()
_make = make_fixture()


@in_a_directory
def test_after_a_lost_ledger_what_leaves_the_tree_is_dropped(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    one.ledger_file.unlink()
    one.publish()
    one.build({path: content for path, content in one.tree.items() if "w01/" not in path})
    assert one.publish().dropped == 3


def test_a_dropped_file_stays_for_the_grace_time_then_goes(make: Make) -> None:
    one = make("one")
    one.build(small_site() | {"a/old.html": b"old"})
    one.publish()
    one.build(small_site())
    assert one.publish(now=NOW).dropped == 1
    assert one.publish(now=NOW + 7 * DAY - 1).requests == {"GET": 1}
    assert "a/old.html" in one.stored()
    gone = one.publish(now=NOW + 7 * DAY)
    assert gone.deleted == 1
    assert one.stored() == one.tree
    assert one.publish(now=NOW + 30 * DAY).requests["PUT"] <= 2


@in_a_directory
def test_a_dropped_file_that_comes_back_is_sent_and_stays(make: Make) -> None:
    one = make("one")
    site = small_site() | {"a/old.html": b"old"}
    one.build(site)
    one.publish()
    one.build(small_site())
    one.publish(now=NOW)
    one.build(site)
    one.publish(now=NOW + 8 * DAY)
    assert one.publish(now=NOW + 30 * DAY).requests == {"GET": 1}
    assert one.stored() == site


@in_a_directory
def test_nothing_is_deleted_with_grace_zero_in_the_same_publish(make: Make) -> None:
    one = make("one")
    one.build(small_site() | {"a/old.html": b"old"})
    one.publish()
    one.build(small_site())
    assert one.publish(grace=0).deleted == 0
    assert one.publish(grace=0).deleted == 1


def test_a_deletion_stops_when_somebody_published_meanwhile(make: Make) -> None:
    one, two = make("one"), make("two")
    one.build(small_site() | {"a/old.html": b"old"})
    one.publish()
    one.build(small_site())
    one.publish(now=NOW)
    two.build(small_site() | {"a/old.html": b"old"})
    opened: list[Watched] = []

    def before(kind: str, path: str) -> None:
        gets = [path for kind, path in opened[0].seen if kind == "GET"]
        if (kind, path) == ("GET", ROOT) and len(gets) == 1:
            two.publish(now=NOW + 8 * DAY)

    def wrap(destination: Destination) -> Destination:
        opened.append(Watched(destination, before))
        return opened[-1]

    one.wrap = wrap
    assert one.publish(now=NOW + 8 * DAY).deleted == 0
    assert one.stored()["a/old.html"] == b"old"


@in_a_directory
def test_superseded_shards_go_after_the_grace_time(make: Make) -> None:
    one = make("one")
    site = small_site()
    for day in range(12):
        one.build(site | {"a/index.html": page("t/index.html", text=str(day))})
        one.publish(now=NOW + day * DAY)
    there = list(one.destination.list("_manifest/"))
    assert len(there) < 12
    one.ledger_file.unlink()
    assert one.publish(now=NOW + 12 * DAY).requests["PUT"] <= 2


def test_a_page_of_a_job_that_left_the_tree_goes_with_the_next_generation(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    job = one.tree_dir / "_jobs" / "night-1.html"
    job.parent.mkdir()
    job.write_bytes(b"one")
    one.publish()
    job.unlink()
    assert one.publish().requests == {"GET": 1}
    assert "_jobs/night-1.html" in one.stored()
    one.build(small_site() | {"a/new.html": b"new"})
    assert "_jobs/night-1.html" in one.publish().paths
    assert "_jobs/night-1.html" not in one.stored()
    assert one.publish().requests == {"GET": 1}


@in_a_directory
def test_many_pages_of_jobs_that_left_go_at_once(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    jobs = [one.tree_dir / "_jobs" / f"night-{number}.html" for number in range(MANY_VOLATILE)]
    jobs[0].parent.mkdir()
    for job in jobs:
        job.write_bytes(b"one")
    one.publish()
    for job in jobs:
        job.unlink()
    assert one.publish().deleted == MANY_VOLATILE
    assert not [path for path in one.stored() if path.startswith("_jobs/")]


@in_a_directory
def test_a_tree_that_lacks_an_area_is_refused(make: Make) -> None:
    one = make("one")
    one.build(small_site() | {"b~20c/index.html": b"b"})
    one.publish()
    one.build(small_site())
    with pytest.raises(DestinationError, match="areas that this tree lacks: b c") as refused:
        one.publish()
    assert "--drop-area" in refused.value.hint
    assert "b~20c/index.html" in one.stored()
    summary = one.publish(dropped_areas=["b~20c"])
    assert summary.dropped == 1
    assert root_of(one).areas == ("a",)  # type: ignore[attr-defined]
    assert one.publish().requests == {"GET": 1}


@in_a_directory
def test_an_area_of_the_tree_can_not_be_dropped(make: Make) -> None:
    one = make("one")
    one.build(small_site())
    one.publish()
    with pytest.raises(UsageError, match="part of the tree"):
        one.publish(dropped_areas=["a"])


@in_a_directory
def test_an_empty_tree_is_refused(make: Make) -> None:
    with pytest.raises(MissingError, match="empty"):
        make("one").publish()
