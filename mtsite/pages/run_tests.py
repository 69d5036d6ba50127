"""A page of tests of a run, beside the run's page: all of them are reached without script."""

from mtsite import urls
from mtsite.model import Run
from mtsite.pages import words
from mtsite.pages.page import SiteFrame, crumbs_to, frame_context
from mtsite.pages.place import run_label
from mtsite.pages.run_list import ListPage, RunList

EDITION = 2
TEMPLATE = "run_tests.html"


def context(frame: SiteFrame, run: Run, listed: RunList, index: int) -> dict[str, object]:
    """The page `listed.lists[index]`."""
    page = listed.lists[index]
    path = page.path
    crumbs = crumbs_to(path, run.key.area, run.key.target, run.keys)
    crumbs.append((run.key.runname, urls.relative(path, urls.run_page(run.key)), "run"))
    same = [one for one in listed.lists if one.letter == page.letter]
    nth = same.index(page) + 1
    of = f", page {nth} of {len(same)}" if len(same) > 1 else ""
    label = run_label(run.key)
    style, symbol, word = words.mark("F" if page.letter == ListPage.BAD else page.letter)
    shown = frame_context(
        frame,
        path,
        crumbs,
        title=f"{symbol} {page.title}{of} · {label}",
        description=f"{page.title} in {label}{of}",
    )
    return shown | {
        "runname": run.key.runname,
        "run_href": urls.relative(path, urls.run_page(run.key)),
        "heading": page.title,
        "of": of.removeprefix(", "),
        "letter": style,
        "symbol": symbol,
        "word": "went wrong" if page.letter == ListPage.BAD else word,
        "bad": page.letter == ListPage.BAD,
        "blocks": page.blocks,
        "before": _link(path, listed, index, -1),
        "after": _link(path, listed, index, 1),
        "pages": tuple(
            (i, "" if one is page else urls.relative(path, one.path))
            for i, one in enumerate(same, start=1)
        ),
    }


def _link(path: str, listed: RunList, index: int, by: int) -> tuple[str, str] | None:
    """(title, link) of the list page so many places away."""
    if not 0 <= index + by < len(listed.lists):
        return None
    here, there = listed.lists[index], listed.lists[index + by]
    title = "page before" if by < 0 else "next page"
    return title if here.letter == there.letter else there.title, urls.relative(path, there.path)
