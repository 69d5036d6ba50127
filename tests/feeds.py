"""Feeds as tests read them: each is Atom by the grammar of RFC 4287 (tests/data/atom)."""

from pathlib import Path
from typing import Any

import atoma
from lxml import etree

_GRAMMAR = etree.RelaxNG(file=Path(__file__).parent / "data/atom/atom.rng")


def valid(content: bytes) -> Any:
    """The feed, parsed; what no grammar can say is looked at, too.

    Raises:
        etree.DocumentInvalid: it is no Atom.
    """
    _GRAMMAR.assertValid(etree.fromstring(content))
    feed = atoma.parse_atom_bytes(content)
    ids = [feed.id_, *(one.id_ for one in feed.entries)]
    assert len(set(ids)) == len(ids)
    for one in (feed, *feed.entries):
        assert [link.rel for link in one.links].count("alternate") == 1
    return feed
