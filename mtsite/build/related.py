"""Runs that hang on other runs: what their pages say of each other, at both ends.

A page names another run with its verdict. When that run comes, goes or gets another verdict, the
pages that name it are made again in the same build.
"""

from collections.abc import Iterator, Sequence

from mtsite import urls
from mtsite.build import digest
from mtsite.build.aside import WriteTask
from mtsite.build.plan import gone_reason
from mtsite.build.state import BuildState
from mtsite.megatest.reader import GONE
from mtsite.model import RunKey
from mtsite.pages.beside import RunLink


def links_of(state: BuildState, run_dir: str) -> tuple[RunLink, ...]:
    """What the pages of a run say of others: those that it names, then those that name it."""
    related = state.manifest.related
    found = []
    for kind, said, others in related.out_of(run_dir):
        there = next((one for one in others if _has_page(state, one)), "")
        found.append(_link(state, there, RunLink(kind, said)))
    for kind, other, said in related.into(run_dir):
        meant = {s: dirs for k, s, dirs in related.out_of(other) if k == kind}[said]
        if next((one for one in meant if _has_page(state, one)), "") == run_dir:
            name = _key(state, other).runname if _has_page(state, other) else ""
            if name:
                found.append(_link(state, other, RunLink(kind, name, back=True)))
    return tuple(found)


def mark_of(links: tuple[RunLink, ...]) -> str:
    """A digest of them; '' for none."""
    return digest.of(repr(links)) if links else ""


def note_links(state: BuildState, task: WriteTask) -> None:
    """The pages of a run were written: what names it is looked at again."""
    state.manifest.related.note_shown(task.dir, mark_of(task.related))
    state.manifest.related.touch(task.dir)


def moved_runs(state: BuildState) -> Iterator[Sequence[str]]:
    """Runs whose pages say something of others that is so no more, until there are none."""
    tried: set[str] = set()
    while moved := [one for one in _moved(state) if one not in tried]:
        tried.update(moved)
        yield moved
    state.commit()


def _moved(state: BuildState) -> Iterator[str]:
    """What can't be looked at now stays due; the rest is done."""
    related = state.manifest.related
    for run_dir in related.due():
        head, known = state.listed.heads.get(run_dir), state.known.get(run_dir)
        if run_dir in state.left or (head is None and known is not None and not known.gone):
            continue
        related.done([run_dir])
        if head is None or gone_reason(head, known):
            continue
        if mark_of(links_of(state, run_dir)) != related.shown(run_dir):
            yield run_dir


def _link(state: BuildState, run_dir: str, link: RunLink) -> RunLink:
    if not run_dir:
        return link
    key = _key(state, run_dir)
    return RunLink(
        link.kind, link.text, urls.run_page(key), state.manifest.related.letter(run_dir), link.back
    )


def _key(state: BuildState, run_dir: str) -> RunKey:
    head = state.listed.heads.get(run_dir)
    return head.key if head is not None else state.known[run_dir].key


def _has_page(state: BuildState, run_dir: str) -> bool:
    """Its own page, or a small one that says what became of it."""
    if run_dir in state.known:
        return True
    head = state.listed.heads.get(run_dir)
    return head is not None and gone_reason(head) != GONE
