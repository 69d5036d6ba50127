"""Where a run stands: what the pages of all its tests share, worked out once per run."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from mtsite import urls
from mtsite.facts import Suspects
from mtsite.logs.likeness import Alike
from mtsite.model import Run, RunFacts, RunKey, RunRecord, Test, TestRecord
from mtsite.pages import markdown, words
from mtsite.pages.beside import TestLink
from mtsite.pages.page import Crumb, SiteFrame, crumbs_to, frame_context
from mtsite.pages.relations import Relations
from mtsite.relations import test_label as test_label
from mtsite.rollup import first_finding

BY_WORDS = Alike()
SAME_NAMES = 3
"""So many of the other tests with the same error are named."""


class Depth(Struct, frozen=True):
    """The links that all test pages share that lie equally deep below their run."""

    to_root: str
    to_run_dir: str
    """'../' once per directory between page and run; '' when the path was cut and links differ."""
    base: Mapping[str, object]
    """The frame's context without title, description and address."""


class RunPlace:
    """One run as its test pages see it: links by depth, neighbours, items, descriptions.

    Make it once per run and pass it to every `test.context` of that run: one made for each call
    has the same outcome, later.
    """

    def __init__(
        self,
        frame: SiteFrame,
        run: Run,
        verdicts: Sequence[str],
        facts: RunFacts,
        kept: RunRecord | None = None,
        alike: Alike = BY_WORDS,
    ) -> None:
        """Nothing is worked out before a page asks for it."""
        self.alike = alike
        self.definitions = kept.definitions if kept else {}
        self._kept = kept.tests if kept else {}
        self.frame = frame
        self.elsewhere: Sequence[TestLink] = ()
        self.run = run
        self.facts = facts
        self.letters = tuple(str(verdict) for verdict in verdicts)
        self.directory = urls.run_dir(run.key)
        self.run_path = urls.run_page(run.key)
        self.label = run_label(run.key)
        self.keys = tuple(zip(run.keys, run.key.target, strict=False))
        self._depths: dict[int, Depth] = {}
        self._descriptions: dict[str, object] = {}
        self._windows: dict[str, tuple[tuple[str, str], ...]] = {}

    def kept_of(self, index: int) -> TestRecord | None:
        """What is kept of a test beside its rows."""
        return self._kept.get(self.run.tests[index].name)

    def depth_of(self, path: str) -> Depth:
        """The shared links of a test page at this path."""
        inside = path.startswith(self.directory + "/")
        deep = path.count("/") if inside else -1
        found = self._depths.get(deep) if inside else None
        if found is None:
            found = self._make_depth(path, inside)
            if inside:
                self._depths[deep] = found
        return found

    def _make_depth(self, path: str, inside: bool) -> Depth:
        key = self.run.key
        crumbs: list[Crumb] = crumbs_to(path, key.area, key.target, self.run.keys)
        crumbs.append((key.runname, urls.relative(path, self.run_path), "run"))
        base = frame_context(self.frame, path, crumbs, title="", description="")
        base |= run_foot(path, key)
        below = path.count("/") - self.directory.count("/") - 1
        return Depth(
            "../" * path.count("/"),
            "../" * (below + 1) if inside else "",
            base,
        )

    def window_links(self, depth: Depth) -> tuple[tuple[str, str], ...]:
        """(runname, link to the directory of that run) for the runs that strips show."""
        found = self._windows.get(depth.to_run_dir)
        if found is None:
            found = tuple(
                (name, f"{depth.to_run_dir}{urls.segment(name)}/") for name in self.facts.window
            )
            self._windows[depth.to_run_dir] = found
        return found

    def tail_in_window(self, depth: Depth, path: str) -> str:
        """What follows the directory of a run in the path of this test in any run of the window.

        '' where a path is so long that it is cut, and may be cut elsewhere in another run.
        """
        tail = path[len(self.directory) + 1 :] if depth.to_run_dir else ""
        whole = "/~~" not in f"/{tail}" and self.longest_window + len(tail) + 1 <= urls.PATH_BYTES
        return tail if whole else ""

    @cached_property
    def suspects(self) -> Mapping[tuple[str, str], Suspects]:
        """(last good run, first bad run) → the pushes between them."""
        return {(one.good, one.bad): one for one in self.facts.suspects}

    @cached_property
    def longest_window(self) -> int:
        """Bytes of the longest directory among the runs that strips show."""
        widest = max((len(urls.segment(name)) for name in self.facts.window), default=0)
        return len(urls.area_dir(self.run.key.area, self.run.key.target)) + 1 + widest

    @cached_property
    def bad_neighbours(self) -> tuple[tuple[int, int], ...]:
        """For each test the index of the bad test before it and after it, −1 for none."""
        letters = self.letters
        before: list[int] = []
        last = -1
        for i, letter in enumerate(letters):
            before.append(last)
            if letter in words.BAD_LETTERS and not self.run.tests[i].toplevel:
                last = i
        after: list[int] = []
        following = -1
        for i in range(len(letters) - 1, -1, -1):
            after.append(following)
            if letters[i] in words.BAD_LETTERS and not self.run.tests[i].toplevel:
                following = i
        return tuple(zip(before, reversed(after), strict=True))

    def same_error(self, index: int) -> tuple[int, tuple[int, ...]]:
        """How many bad tests of the run have the error of this one, masked; the first others."""
        alike = self._alike.get(index)
        if alike is None:
            return 1, ()
        return len(alike), tuple(i for i in alike[: SAME_NAMES + 1] if i != index)[:SAME_NAMES]

    @cached_property
    def _alike(self) -> Mapping[int, Sequence[int]]:
        """Index of a bad test → indices of all with the same masked first finding."""
        found: dict[str, list[int]] = {}
        for i, test in enumerate(self.run.tests):
            kept = self._kept.get(test.name) if self.letters[i] in words.BAD_LETTERS else None
            first = first_finding(kept.logs, test.steps) if kept and kept.logs else None
            if first is not None and first[1].masked:
                found.setdefault(first[1].masked, []).append(i)
        return {i: alike for alike in found.values() if len(alike) > 1 for i in alike}

    @cached_property
    def relations(self) -> Relations:
        """Which of the tests hang on which."""
        return Relations(self.run, self.letters, self.definitions, self.elsewhere)

    @cached_property
    def items(self) -> Mapping[str, tuple[int, ...]]:
        """Testname → indices of its items, for iterated tests."""
        found: dict[str, list[int]] = {}
        for i, test in enumerate(self.run.tests):
            if test.item_path:
                found.setdefault(test.testname, []).append(i)
        return {name: tuple(indices) for name, indices in found.items()}

    @cached_property
    def toplevels(self) -> Mapping[str, int]:
        """Testname → index of the row that sums its items up."""
        return {test.testname: i for i, test in enumerate(self.run.tests) if test.toplevel}

    def html_of(self, description: str) -> object:
        """A description in Markdown as HTML; '' when nothing is said."""
        found = self._descriptions.get(description)
        if found is None:
            found = markdown.description(description) if description.strip() else ""
            self._descriptions[description] = found
        return found

    def test_link(self, path: str, test: Test) -> str:
        """The link from a page to the page of a test of this run."""
        return urls.relative(path, urls.test_page(self.run.key, test.name))


def run_foot(page_path: str, key: RunKey) -> dict[str, object]:
    """The links of the foot that all pages of a run have: its twin, the target's newest run."""
    newest = urls.pointer_page(key.area, key.target, "latest")
    return {
        "twin": urls.relative(page_path, urls.run_twin(key)),
        "newest_run": urls.relative(page_path, newest),
    }


def run_label(key: RunKey) -> str:
    """'ubuntu/nfs/none/ww31.3': how a run is called in titles."""
    return "/".join([*(value or urls.EMPTY_KEY_VALUE for value in key.target), key.runname])
