"""All that lies directly below a node, by name: for levels with more values than a page has rows.

It shows names only, so it changes when a value comes or goes and with no run.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from msgspec import Struct

from mtsite import urls
from mtsite.pages import listing, words
from mtsite.pages.page import NodeSummary, SiteFrame, crumbs_to, frame_context

EDITION = 1
TEMPLATE = "names.html"
PART_BYTES = 150_000
_MARKUP = 60


class Names(Struct, frozen=True):
    """One part of the list: `number` of `parts`, of `total` names below this node."""

    area: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    number: int
    parts: int
    total: int
    names: tuple[str, ...]


def parts_of(node: NodeSummary, children: Iterable[NodeSummary]) -> list[Names]:
    """The list cut so that no page grows large; () where all children have a row on their page.

    `node.area` is '' for the site.
    """
    found = sorted(listing.node_name(child) for child in children)
    if len(found) <= listing.MAX_NODES:
        return []
    parts = list(_cut(found))
    return [
        Names(node.area, node.values, node.keys, number, len(parts), len(found), tuple(part))
        for number, part in enumerate(parts, start=1)
    ]


def link_from(
    page_path: str, area: str, values: Sequence[str], children: Sequence[NodeSummary]
) -> tuple[str, str]:
    """(how many there are in all, link to the list) where a page can't have a row for each."""
    if len(children) <= listing.MAX_NODES:
        return ("", "")
    there = urls.names_page(1, area, values)
    return (words.number(len(children)), urls.relative(page_path, there))


def shard(total: int, found: Sequence[tuple[str, str]]) -> dict[str, object]:
    """For a script: how many there are in all, and (name, link from the page) of the first."""
    return {"schema": "mtsite/shard-below/1", "total": total, "names": found}


def context(frame: SiteFrame, part: Names) -> dict[str, object]:
    """One part of the list."""
    path = urls.names_page(part.number, part.area, part.values)
    crumbs = crumbs_to(path, part.area, part.values, part.keys) if part.area else ()
    where = "/".join((part.area, *part.values)) if part.area else frame.title
    what = child_key(part)
    lead = f"All {words.number(part.total)} of them, by name."
    shown = frame_context(frame, path, crumbs, title=f"every {what} · {where}", description=lead)
    return shown | {
        "where": where,
        "what": what,
        "lead": lead,
        "here": urls.relative(path, _page_of(part)),
        "names": tuple((name, urls.relative(path, _child(part, name))) for name in part.names),
        "pages": tuple(
            (
                str(number),
                urls.relative(path, urls.names_page(number, part.area, part.values)),
                number == part.number,
            )
            for number in range(1, part.parts + 1)
        ),
    }


def child_key(part: Names) -> str:
    """The name of the key whose values these are."""
    depth = len(part.values)
    return "area" if not part.area else part.keys[depth] if depth < len(part.keys) else "value"


def _page_of(part: Names) -> str:
    return urls.area_page(part.area, part.values) if part.area else urls.index_page()


def _child(part: Names, name: str) -> str:
    return urls.area_page(part.area, (*part.values, name)) if part.area else urls.area_page(name)


def _cut(found: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for name in found:
        cost = _MARKUP + len(escape(name).encode("utf-8", "replace")) + len(urls.segment(name))
        if part and size + cost > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(name)
        size += cost
    yield part
