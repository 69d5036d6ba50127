"""The tests of a run divided: on its page, on list pages beside it, in shards for its filter. Pure.

The page of a run is as heavy for 50,000 tests as for 500. Where all tests fit, they are on it and
nothing lies beside it. Else what went wrong comes first, as much of it as there is room for, then
the small sections; everything is on list pages (`_p001.html` …), which need no script, and in
shards, which the filter searches.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import urls
from mtsite.model import Run, TestName
from mtsite.pages import failures, folded, words
from mtsite.pages.entry import Entry
from mtsite.pages.shard import named_shard
from mtsite.pages.weight import weight, within

WHOLE_ROOM = 84_000
"""Bytes for all tests of a run; where they take more, its page is cut to the three below."""

FAILURES_ROOM = 56_000
FOLDED_ROOM = 14_000
LINKS_ROOM = 12_000
LIST_PAGE_BYTES = 120_000
_BLOCK_BYTES = 160
SHARD_BYTES = 130_000

FLAGS = ("item", "flaky", "slow", "archived", "differs", "gone")
_ALWAYS = 8
"""Cells that no row of a shard goes without, up to how long the test took."""

_CHANGES = ("", "new", "still", "fixed", "known")


class Block(Struct, frozen=True):
    """Rows under one heading of a list page; `anchor` is '' where the block goes on."""

    heading: str
    anchor: str
    rows: tuple[failures.Row, ...] | tuple[folded.Row, ...]


class ListPage(Struct, frozen=True):
    """One page of all tests of a run: those of `letter` (BAD: what went wrong), page n `of` m."""

    BAD = "bad"

    path: str
    letter: str
    title: str
    number: int
    of: int
    blocks: tuple[Block, ...]


class ShownSection(Struct, frozen=True):
    """A section on the page of the run: its rows, or links to where its groups are listed.

    A link is (prefix, how many tests, link); `more` is how many groups have none, `first` the
    first list page.
    """

    section: folded.Section
    inline: bool
    links: tuple[tuple[str, str, str], ...] = ()
    more: int = 0
    first: str = ""


class RunList(Struct, frozen=True):
    """Where each test of a run is shown. `shards` are (path, content); `marks` counts flags."""

    failures: tuple[failures.Shown, ...]
    failures_total: int
    failures_shown: int
    sections: tuple[ShownSection, ...]
    lists: tuple[ListPage, ...] = ()
    shards: tuple[tuple[str, bytes], ...] = ()
    marks: Mapping[str, int] = field(default_factory=dict)


def divide(
    run: Run,
    bad: Sequence[tuple[failures.Row, ...]],
    good: Sequence[folded.Section],
    gone: Sequence[TestName],
) -> RunList:
    """Where what went wrong (in groups of equal lines) and what did not is shown."""
    total = sum(map(len, bad))
    room = _room_for(good, WHOLE_ROOM)
    shown, count = failures.on_page(bad, room)
    if room and count == total:
        return RunList(shown, total, count, tuple(ShownSection(one, True) for one in good))
    shown, count = failures.on_page(bad, FAILURES_ROOM)
    inline = _inline(good)
    lists = tuple(_lists(run, bad if count < total else (), good, inline))
    return RunList(
        shown,
        total,
        count,
        tuple(_sections(good, inline, lists)),
        lists,
        tuple(_shards(run, bad, good, gone)),
    )


def _room_for(good: Sequence[folded.Section], room: int) -> int:
    """What these leave of so many bytes; 0 where they don't fit."""
    for section in good:
        if section.total * folded.LEAST_BYTES > room:
            return 0
        room -= section.weight
    return max(room, 0)


def _inline(good: Sequence[folded.Section]) -> set[str]:
    """Letters of the sections that fit, in their order: what is rare is seen at once."""
    found = set()
    room = FOLDED_ROOM
    for section in good:
        if section.total * folded.LEAST_BYTES < room and section.weight <= room:
            room -= section.weight
            found.add(section.letter)
    return found


def _sections(
    good: Sequence[folded.Section], inline: set[str], lists: Sequence[ListPage]
) -> Iterator[ShownSection]:
    room = LINKS_ROOM
    for section in good:
        if section.letter in inline:
            yield ShownSection(section, True)
            continue
        pages = [page for page in lists if page.letter == section.letter]
        at = {
            block.heading: f"{_file(page.path)}#{block.anchor}"
            for page in pages
            for block in page.blocks
            if block.anchor
        }
        links = [(g.prefix, g.count, at[g.prefix]) for g in section.groups]
        kept = within(links, (90 + weight(*link) for link in links), room)
        room -= sum(90 + weight(*link) for link in kept)
        yield ShownSection(section, False, kept, len(links) - len(kept), _file(pages[0].path))


def _lists(
    run: Run,
    bad: Sequence[tuple[failures.Row, ...]],
    good: Sequence[folded.Section],
    inline: set[str],
) -> Iterator[ListPage]:
    number = 0
    for letter, title, blocks in _listed(bad, good, inline):
        pages = _pages(blocks)
        for page in pages:
            number += 1
            path = urls.run_list(run.key, number)
            yield ListPage(path, letter, title, number, len(pages), page)


def _listed(
    bad: Sequence[tuple[failures.Row, ...]], good: Sequence[folded.Section], inline: set[str]
) -> Iterator[tuple[str, str, list[Block]]]:
    """(letter, title, blocks) of what has list pages."""
    if bad:
        blocks = [
            Block(group[0].line or group[0].silence, f"g{i}", group) for i, group in enumerate(bad)
        ]
        yield ListPage.BAD, f"{words.plural(sum(map(len, bad)), 'test')} went wrong", blocks
    for section in good:
        if section.letter not in inline:
            blocks = [
                Block(g.prefix, f"g-{urls.segment(g.prefix)}", g.rows) for g in section.groups
            ]
            yield section.letter, section.title, blocks


def _pages(blocks: Iterable[Block]) -> list[tuple[Block, ...]]:
    """Blocks cut into pages; one that is cut goes on under its heading without its anchor."""
    pages: list[list[Block]] = []
    room = 0
    for block in blocks:
        rows: list[failures.Row | folded.Row] = []
        anchor = block.anchor
        for row, cost in _weighed(block.rows):
            if cost > room:
                if rows:
                    pages[-1].append(Block(block.heading, anchor, tuple(rows)))  # type: ignore[arg-type]
                    rows, anchor = [], ""
                pages.append([])
                room = LIST_PAGE_BYTES
            rows.append(row)
            room -= cost
        pages[-1].append(Block(block.heading, anchor, tuple(rows)))  # type: ignore[arg-type]
        room -= _BLOCK_BYTES + weight(block.heading)
    return [tuple(page) for page in pages]


def _weighed(
    rows: Sequence[failures.Row] | Sequence[folded.Row],
) -> Iterator[tuple[failures.Row | folded.Row, int]]:
    for row in rows:
        if isinstance(row, failures.Row):
            yield row, failures.small_weight(row)
        else:
            for slice_ in _sliced(row):
                yield slice_, slice_.weight


def _sliced(row: folded.Row) -> Iterator[folded.Row]:
    """A test of very many items in pieces that fit on a page."""
    most = 200
    for start in range(0, len(row.entries), most):
        yield replace(row, entries=row.entries[start : start + most])


def _file(path: str) -> str:
    """A list page lies in the directory of the run's page."""
    return path.rpartition("/")[2]


def _shards(
    run: Run,
    bad: Sequence[tuple[failures.Row, ...]],
    good: Sequence[folded.Section],
    gone: Sequence[TestName],
) -> Iterator[tuple[str, bytes]]:
    """All tests, what went wrong first, in pieces that load one by one."""
    held = _Held()
    for group in bad:
        for row in group:
            yield from held.add(run, row.entry, row)
    for section in good:
        for part in section.groups:
            for listed in part.rows:
                for one in listed.entries:
                    yield from held.add(run, one)
    for testname, item_path in gone:
        page = urls.test_page(run.key, (testname, item_path))
        href = urls.relative(urls.run_page(run.key), page)
        yield from held.add(run, Entry(-1, testname, item_path, "x", href, "", "gone", "", "", ""))
    yield from held.rest(run)


class _Held:
    """Rows of the shard that is being filled, and the texts that they share."""

    def __init__(self) -> None:
        self._empty()

    def _empty(self) -> None:
        self.rows: list[list[object]] = []
        self.texts: dict[str, int] = {"": 0}
        self.size = 0

    def add(
        self, run: Run, one: Entry, row: failures.Row | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Take one in; a full shard comes out."""
        plain = f"{one.testname}/{one.item_path}/" if one.item_path else f"{one.testname}/"
        cells: list[object] = [
            one.testname,
            one.item_path,
            one.letter,
            _CHANGES.index(one.change),
            sum(1 << FLAGS.index(flag) for flag in one.flags.split()),
            self._text(one.host),
            self._text(one.tags),
            run.tests[one.index].run_duration if one.took else -1,
            0 if one.href == f"{plain}index.html" else one.href,
        ]
        if row is not None:
            cells += [self._text(row.line or row.silence), row.line_href, row.strip]
        while len(cells) > _ALWAYS and cells[-1] == 0:
            cells.pop()
        self.rows.append(cells)
        self.size += 45 + sum(len(ascii(cell)) for cell in cells if isinstance(cell, str))
        if self.size > SHARD_BYTES:
            yield from self.rest(run)

    def rest(self, run: Run) -> Iterator[tuple[str, bytes]]:
        """What is held, as a shard."""
        if self.rows:
            form = {"schema": "mtsite/shard-rows/1"}
            key, content = named_shard({**form, "texts": list(self.texts), "rows": self.rows})
            yield urls.run_shard(run.key, key), content
            self._empty()

    def _text(self, text: str) -> int:
        found = self.texts.get(text)
        if found is None:
            found = self.texts[text] = len(self.texts)
            self.size += len(ascii(text))
        return found


def toplevel_links(run: Run, path: str) -> Mapping[str, str]:
    """Testname → link from the run's page to the page that sums its items up."""
    return {
        test.testname: urls.relative(path, urls.test_page(run.key, test.name))
        for test in run.tests
        if test.toplevel
    }
