"""Runs, and tests, that hang on those elsewhere: what their pages say of each other, at both ends.

A page names another run, or a test there, with its verdict. When that run comes, goes or gets
another verdict, the pages that name it are made again in the same build.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.build import digest
from mtsite.build.aside import WriteTask
from mtsite.build.plan import gone_reason
from mtsite.build.state import BuildState
from mtsite.manifest import Outcomes
from mtsite.megatest.reader import GONE
from mtsite.model import RunKey
from mtsite.pages.beside import RunLink, TestLink
from mtsite.related import Named
from mtsite.relations import Elsewhere


class Links(Struct, frozen=True):
    """What the pages of a run say of others: of runs, and of tests in them."""

    runs: tuple[RunLink, ...] = ()
    tests: tuple[TestLink, ...] = ()


def links_of(state: BuildState, run_dir: str) -> Links:
    """What they say of runs and tests that this one names, then of those that name it."""
    related = state.manifest.related
    runs: list[RunLink] = []
    tests = _TestLinks(state)
    for one in related.out_of(run_dir):
        there = next((each for each in one.dirs if _has_page(state, each)), "")
        if one.edge is None:
            runs.append(_link(state, there, RunLink(one.kind, one.said)))
        else:
            tests.add(one.edge, there)
    for one in related.into(run_dir):
        other = one.dirs[0]
        if not _has_page(state, other):
            continue
        if one.edge is not None:
            tests.add_back(one.edge, other)
        elif _means(state, one, run_dir):
            back = RunLink(one.kind, _key(state, other).runname, back=True)
            runs += [_link(state, other, back)] if back.text else []
    return Links(tuple(runs), tuple(tests.found))


def _means(state: BuildState, one: Named, run_dir: str) -> bool:
    """Whether the first run with pages that a name may stand for is this one."""
    said = state.manifest.related.out_of(one.dirs[0])
    meant = next(each.dirs for each in said if (each.kind, each.said) == (one.kind, one.said))
    return next((each for each in meant if _has_page(state, each)), "") == run_dir


class _TestLinks:
    """Links between tests of a run and of others, whose outcomes are looked up once."""

    def __init__(self, state: BuildState) -> None:
        self.found: list[TestLink] = []
        self._state = state
        self._outcomes: dict[str, Outcomes] = {}

    def add(self, edge: Elsewhere, there: str) -> None:
        """A test of this run names one in the directory `there`; '' for nowhere."""
        link = TestLink(edge.source, edge.kind, edge.run, edge.target)
        self.found.append(self._led(link, there) if there else link)

    def add_back(self, edge: Elsewhere, there: str) -> None:
        """A test of the run in the directory `there` names one of this."""
        run = _key(self._state, there)
        link = TestLink(edge.target, edge.kind, run, edge.source, back=True)
        self.found.append(self._led(link, there))

    def _led(self, link: TestLink, run_dir: str) -> TestLink:
        outcomes = self._outcomes.get(run_dir)
        if outcomes is None:
            outcomes = self._outcomes[run_dir] = self._state.manifest.outcomes(run_dir)
        if link.other not in outcomes:
            return link
        page = urls.test_page(link.run, link.other)
        return replace(link, page=page, letter=outcomes[link.other][0])


def mark_of(links: Links) -> str:
    """A digest of them; '' for none."""
    return digest.of(repr(links)) if links != Links() else ""


def note_links(state: BuildState, task: WriteTask) -> None:
    """The pages of a run were written: what names it is looked at again."""
    state.manifest.related.note_shown(task.dir, mark_of(Links(task.related, task.elsewhere)))
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
