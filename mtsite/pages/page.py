"""The frame of every page, and the records that only pages know: nodes, grids, stretches.

A page path is relative to the site's root ('fullrun/ubuntu/nfs/index.html'); all links that a
context holds are relative to the page that shows them.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest

from msgspec import Struct, field

from mtsite import urls
from mtsite.model import RunSummary, TestName

Crumb = tuple[str, str, str]
"""(label, link, what the label is the value of: 'area', a key name, 'run', …)."""


class SiteFrame(Struct, frozen=True):
    """What all pages of a site share. `version` names the directory of the assets."""

    title: str
    timezone: str = "UTC"
    noindex: bool = True
    base_url: str = ""
    version: str = "v1"


class NodeSummary(Struct, frozen=True):
    """One row of an index: an area (`values` empty), a key level, or a target (all values given).

    `counts` adds up the newest run of each target below, `verdict` is the worst of them,
    `newest` the newest run below. `trend` has (day 'YYYY-MM-DD', good, total) for days with runs
    in the 14 days up to the newest run, oldest first. `runs` and `targets` count all below.
    `held` is how many runs of the areas in `satellite_of` lie in this one.
    `new`, `still`, `fixed`, `known` and `log_bytes` (size of the logs in the store) add up
    likewise, the last over all runs; `bad_targets` are those whose newest run went wrong.
    `expected_seconds` is how often a run is expected, 0 when that can't be told; from
    `late_seconds` after the newest run on the next one is late. `intro` is Markdown. `pointers`
    are the redirect pages of a target. `coming` counts runs whose pages no build has made yet.
    """

    area: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    runs: int
    counts: Mapping[str, int]
    verdict: str
    newest: RunSummary | None
    trend: tuple[tuple[str, int, int], ...] = ()
    targets: int = 0
    problems: tuple[str, ...] = ()
    satellite_of: str = ""
    held: int = 0
    title: str = ""
    expected_seconds: int = 0
    coming: int = 0
    late_seconds: int = 0
    new: int = 0
    still: int = 0
    fixed: int = 0
    known: int = 0
    bad_targets: int = 0
    log_bytes: int = 0
    pointers: tuple[str, ...] = ()
    intro: str = ""
    contact: str = ""


class GridRow(Struct, frozen=True):
    """One test of a grid; `strip` has a verdict letter per run of the grid, newest first.

    `values` are what the metric of the grid was in each of them; () where it has none.
    """

    name: TestName
    strip: str
    values: tuple[float | None, ...] = ()

    def stretches(self, runs: int) -> Iterator[tuple[str, float | None, int]]:
        """Equal neighbours of the newest `runs` as (letter, value, how many)."""
        letters = self.strip[:runs]
        for (letter, value), same in groupby(zip_longest(letters, self.values[: len(letters)])):
            yield letter, value, len(list(same))


class Grid(Struct, frozen=True):
    """All tests × some runs of a target, runs newest first.

    `heads` names facts of a run that stand as rows of their own above the grid: 'owner', …
    `metric` is what cells show instead of a symbol ('' for nothing), `owners` by testname whom
    the tests of the newest run belong to.
    """

    runs: tuple[RunSummary, ...]
    rows: tuple[GridRow, ...]
    heads: tuple[str, ...] = ()
    metric: str = ""
    owners: Mapping[str, str] = field(default_factory=dict)


class Stretch(Struct, frozen=True):
    """Runs in a row with one verdict. An open stretch has no `last_run` and 0 `runs`."""

    verdict: str
    first_run: str
    first_time: int | None
    last_run: str = ""
    last_time: int | None = None
    runs: int = 0


def crumbs_to(
    page_path: str, area: str, values: Sequence[str] = (), keys: Sequence[str] = ()
) -> list[Crumb]:
    """The ancestors of a page below the front page, down to the named node, each with its link."""
    crumbs = [(area, urls.relative(page_path, urls.area_page(area)), "area")]
    for depth, value in enumerate(values, start=1):
        link = urls.relative(page_path, urls.area_page(area, values[:depth]))
        key = keys[depth - 1] if depth <= len(keys) else "key"
        crumbs.append((value or urls.EMPTY_KEY_VALUE, link, key))
    return crumbs


def frame_context(
    frame: SiteFrame, page_path: str, crumbs: Sequence[Crumb], *, title: str, description: str
) -> dict[str, object]:
    """What `frame.html` needs. `title` and `description` also make the card of a shared link.

    A page may add `letter` (its icon), `twin` and `newest_run` (links of its foot).
    """
    root = "../" * page_path.count("/")
    base = frame.base_url.rstrip("/")
    return {
        "site_title": frame.title,
        "title": title,
        "description": description,
        "robots": "noindex" if frame.noindex else "",
        "assets": f"{root}_assets/{frame.version}",
        "home": root + urls.index_page(),
        "search": root + urls.search_page(),
        "address": f"{base}/{page_path}" if base else "",
        "crumbs": tuple(crumbs),
    }
