"""Failures that are nearly the same, over all areas: the newest, and all on shelves by name."""

from collections.abc import Mapping, Sequence

from mtsite import urls
from mtsite.failing import Cluster, Occurrence
from mtsite.model import RunKey
from mtsite.ownrules import ClusterRule
from mtsite.pages import words
from mtsite.pages.page import SiteFrame, frame_context
from mtsite.pages.place import test_label

EDITION = 4
TEMPLATE = "cluster.html"
MOST = 250
"""So many clusters are on one page; of a shelf that has more those that were seen last."""

NEWEST = 100
_VARIANTS = 6
MOST_LEFT_OUT = 10
_PLACES = 6
ALL_SHOWN: Mapping[str, int] = {}


def link(path: str, name: str) -> str:
    """The link from a page to a cluster."""
    return f"{urls.relative(path, urls.clusters_page(name[:2]))}#{name}"


def newest_context(
    frame: SiteFrame,
    found: Sequence[Cluster],
    rules: Sequence[ClusterRule] = (),
    left: Sequence[tuple[RunKey, int]] = (),
    *,
    shelves: Mapping[str, int] = ALL_SHOWN,
    known: bool = False,
) -> dict[str, object]:
    """The clusters that were seen last, each with a link to its shelf.

    `left` are runs of which not all kinds of lines are kept, `known`: there is a page of issues.
    Where there are more clusters, `shelves` are all with how many they have.
    """
    path = urls.clusters_page()
    lead = "No run of this site went wrong with a failing line." if not found else ""
    if shelves:
        total = words.number(sum(shelves.values()))
        lead = f"The {len(found)} kinds of failures that were seen last, of {total}."
    issues = urls.relative(path, urls.clusters_page(urls.KNOWN)) if known else ""
    made = _context(frame, path, ("Failures that are alike", lead), found, rules)
    return made | {
        "cut": 0,
        "known": issues,
        "left": tuple(_left(path, *one) for one in left),
        "shelves": tuple((name, urls.relative(path, urls.clusters_page(name))) for name in shelves),
    }


def _left(path: str, key: RunKey, kinds: int) -> tuple[str, str, str]:
    """(run, link, how many kinds of its lines are in no cluster)."""
    name = "/".join((key.area, *key.target, key.runname))
    link = urls.relative(path, urls.run_page(key))
    return name, link, words.plural(kinds, "kind of line", "kinds of lines")


def shelf_context(
    frame: SiteFrame,
    shelf: str,
    found: Sequence[Cluster],
    total: int,
    rules: Sequence[ClusterRule] = (),
) -> dict[str, object]:
    """All clusters of one shelf, of `total` those that were seen last."""
    path = urls.clusters_page(shelf)
    title = f"Failures that are alike, shelf {shelf}"
    return _context(frame, path, (title, ""), found, rules) | {"cut": total - len(found)}


def _context(
    frame: SiteFrame,
    path: str,
    head: tuple[str, str],
    found: Sequence[Cluster],
    rules: Sequence[ClusterRule],
) -> dict[str, object]:
    title, lead = head
    titles = {one.name: one.title for one in rules}
    said = f"{words.plural(len(found), 'kind')} of failures, those seen last first."
    shown = frame_context(frame, path, [], title=title, description=lead or said)
    whole = path != urls.clusters_page()
    return shown | {
        "heading": title,
        "lead": lead or said,
        "known": "",
        "left": (),
        "shelves": (),
        "clusters": tuple(_shown(path, one, titles, whole=whole) for one in found),
        "newest": "" if not whole else urls.relative(path, urls.clusters_page()),
    }


def _shown(path: str, one: Cluster, titles: Mapping[str, str], *, whole: bool) -> dict[str, object]:
    last = one.newest[0]
    variants = {seen.found.exact: seen for seen in reversed(one.newest)}
    hosts = sorted({host for seen in one.newest for host in seen.found.hosts})
    shelf = urls.relative(path, urls.clusters_page(one.name[:2]))
    return {
        "name": one.name,
        "href": f"#{one.name}" if whole else f"{shelf}#{one.name}",
        "text": last.found.text,
        "rule": last.found.rule,
        "title": titles.get(last.found.rule, ""),
        "line": _line(path, last),
        "tests": words.plural(one.tests, "failure"),
        "runs": words.plural(one.runs, "run"),
        "kinds": words.plural(one.variants, "kind of line", "kinds of lines"),
        "areas": ", ".join(one.areas),
        "hosts": ", ".join(hosts[:_PLACES]) if whole else "",
        "first": _run(path, one.first),
        "last": _run(path, last),
        "variants": tuple(
            (seen.found.text, _line(path, seen))
            for exact, seen in sorted(variants.items())
            if exact != last.found.exact
        )[:_VARIANTS]
        if whole
        else (),
        "places": tuple(_place(path, seen) for seen in one.newest[:_PLACES]) if whole else (),
    }


def _run(path: str, seen: Occurrence) -> tuple[str, str, tuple[str, str]]:
    """(name, link, when it began)."""
    key = seen.key
    name = "/".join((key.area, *key.target, key.runname))
    return name, urls.relative(path, urls.run_page(key)), words.when(seen.place or None)


def _place(path: str, seen: Occurrence) -> tuple[str, str, str, str]:
    """(test, link, run, how many tests of it failed so)."""
    page = urls.relative(path, urls.test_page(seen.key, seen.found.first))
    run = "/".join((*seen.key.target, seen.key.runname))
    many = words.plural(seen.found.tests, "test") if seen.found.tests > 1 else ""
    return test_label(seen.found.first), page, run, many


def _line(path: str, seen: Occurrence) -> str:
    """The link to where the line stands in its log; '' where it stands in none."""
    found = seen.found
    if not found.log:
        return ""
    page = urls.log_page(seen.key, found.first, found.log)
    return f"{urls.relative(path, page)}#L{found.line}"
