"""Publishers that share one destination, and what they ask of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from publishing import Publishing, Watched
from s3server import Place

from mtsite.publish.destination import Destination
from mtsite.publish.shards import ROOT, decode_root

Make = Callable[[str], Publishing]
in_a_directory = pytest.mark.parametrize("place", ["directory"], indirect=True)
"""For what no destination can do differently."""


def make_fixture() -> Callable[..., Iterator[Make]]:
    """A fixture: publishers by name that share one destination (`place`)."""

    @pytest.fixture(name="make")
    def make(place: Place, tmp_path: Path) -> Iterator[Make]:
        url, settings = place
        made: list[Publishing] = []

        def make_one(name: str) -> Publishing:
            made.append(Publishing(tmp_path / name, url, settings))
            return made[-1]

        yield make_one
        for publisher in made:
            publisher.close()

    return make


def watch(publisher: Publishing) -> list[Watched]:
    """Every destination that the publisher opens from now on."""
    opened: list[Watched] = []

    def wrap(destination: Destination) -> Destination:
        opened.append(Watched(destination))
        return opened[-1]

    publisher.wrap = wrap
    return opened


def root_of(publisher: Publishing) -> object:
    found = publisher.destination.get(ROOT)
    assert found is not None
    return decode_root(found.content)
