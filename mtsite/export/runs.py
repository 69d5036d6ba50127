"""Chosen runs, one at a time: what all forms print."""

import difflib
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote

from msgspec import Struct

from mtsite import record, rollup, urls
from mtsite.config import Config
from mtsite.errors import MissingError, MtsiteError
from mtsite.export.columns import Columns, run_values
from mtsite.export.wanted import EVERY_RUN, Wanted
from mtsite.megatest.database import AreaConnection, area_errors, reading
from mtsite.megatest.reader import GONE, RunHead, read_run
from mtsite.megatest.runlist import RunList
from mtsite.megatest.selection import Selection
from mtsite.model import Attachment, FirstFailure, Run, RunSummary, Scalar, Test, TestName
from mtsite.pages import sharing
from mtsite.rollup import Verdict


class ShownRun(Struct, frozen=True):
    """One run with its values; `run` is None where its tests were not asked for."""

    head: RunHead
    values: dict[str, Scalar]
    run: Run | None = None
    verdicts: tuple[Verdict, ...] = ()

    def tests(self) -> Iterator[tuple[Test, Verdict]]:
        """Its tests, each with the verdict that pages show."""
        if self.run is not None:
            yield from zip(self.run.tests, self.verdicts, strict=True)


class RunReading:
    """Reads the tests of runs; databases stay open until it is closed."""

    def __init__(self, config: Config, now: int) -> None:
        self._now = now
        self._dead_after = config.reduce.dead_after
        self._stack = ExitStack()
        self._open: dict[Path, AreaConnection] = {}

    def __enter__(self) -> "RunReading":
        """Nothing is open yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what was opened."""
        self._stack.close()

    def shown(self, head: RunHead, *, tests: bool) -> ShownRun:
        """The run, with its tests if they are asked for.

        Raises:
            MtsiteError: its rows can't be read, or lie in no database.
        """
        if not tests:
            return row_alone(head)
        if head.gone:
            raise MissingError(head.gone, "mtsite area show")
        connection = self._open.get(head.database)
        if connection is None:
            connection = self._stack.enter_context(reading(head.database))
            self._open[head.database] = connection
        # The block that opened it is not around this one: its errors are not told otherwise.
        with area_errors(head.database):
            run = read_run(connection, head)
        verdicts = tuple(rollup.test_verdicts(run, self._now, self._dead_after))
        return ShownRun(head, run_values(head, run, verdicts), run, verdicts)


def row_alone(head: RunHead) -> ShownRun:
    """What the run's own row says; nothing is known of its tests."""
    return ShownRun(head, run_values(head, None, ()))


def choose_heads(runs: RunList, selection: Selection) -> Iterator[RunHead]:
    """The runs that a selection chooses, oldest first; deleted ones only if their state is asked.

    Sums over the tests are made only where an age is asked for.
    """
    aged = selection.older_than is not None or selection.newer_than is not None
    now = int(time.time()) if aged else 0
    everything = selection.is_everything
    for head in runs.whole() if aged else iter(runs):
        if head.gone == GONE and "deleted" not in selection.state.lower():
            continue
        if everything or selection.matches(head, now):
            yield head


def read_chosen(
    reading: RunReading,
    runs: RunList,
    heads: Iterator[RunHead],
    columns: Columns,
    wanted: Wanted = EVERY_RUN,
) -> Iterator[ShownRun]:
    """Each chosen run with what its columns need; one that can't be read is named and left out.

    A run whose tests lie nowhere is named too, and what its own row says is there.
    """
    for head in heads:
        if not wanted.may_be(head):
            continue
        tests = columns.needs_tests or (wanted.needs_tests and not head.gone)
        try:
            shown = reading.shown(head, tests=tests)
            if wanted.hits(head, shown.run, shown.verdicts):
                yield shown
        except MtsiteError as error:
            runs.problems.append(f"run {name_of(head)}: {error.message}")
            if head.gone:
                yield row_alone(head)


def name_of(head: RunHead) -> str:
    """AREA/KEY1/…/RUNNAME."""
    return "/".join((head.key.area, *head.key.target, head.key.runname))


def find_head(runs: RunList, config: Config, told: str) -> tuple[RunHead, str]:
    """The run that a person names, by name, path or URL, and what stands behind it: a test's name.

    Raises:
        MissingError: there is no such run.
    """
    wanted = _without_base(config, told)
    best: tuple[int, RunHead, str] | None = None
    for head in runs:
        if head.gone == GONE:
            continue
        for name in {name_of(head), urls.run_dir(head.key)}:
            begins = wanted == name or wanted.startswith(f"{name}/")
            if begins and (best is None or len(name) > best[0]):
                best = len(name), head, wanted[len(name) + 1 :]
    if best is None:
        told_why = f" ({'; '.join(runs.problems)})" if runs.problems else ""
        close = difflib.get_close_matches(wanted, [name_of(head) for head in runs], n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise MissingError(
            f"no run {wanted} in these areas{meant}{told_why}",
            "write AREA/KEY1/.../KEYN/RUNNAME; `mtsite run ls` lists them",
        )
    return best[1], best[2]


def find_test(shown: ShownRun, rest: str) -> int:
    """The index of the test that stands behind a run's name: TEST, TEST/ITEM, or its address.

    Raises:
        MissingError: the run has no such test.
    """
    assert shown.run is not None
    for index, test in enumerate(shown.run.tests):
        address = urls.test_page(shown.head.key, test.name).removesuffix("/index.html")
        below = address.removeprefix(f"{urls.run_dir(shown.head.key)}/")
        if rest in {"/".join(filter(None, test.name)), below}:
            return index
    raise MissingError(
        f"{name_of(shown.head)} has no test {rest}", f"mtsite run show {name_of(shown.head)}"
    )


def _without_base(config: Config, told: str) -> str:
    base = config.site.base_url.rstrip("/")
    if base and told.startswith(f"{base}/"):
        told = unquote(told.removeprefix(f"{base}/").partition("#")[0])
    # The name of a run may have a # in it.
    page, dot, _ = told.partition(".html#")
    return (page + dot.removesuffix("#") if dot else told).strip("/").removesuffix("/index.html")


def told(config: Config, shown: ShownRun, form: str) -> str:
    """How a run went: one 'line', or 'markdown'. What moved, and failing lines, the site knows."""
    summary, address = summary_of(config, shown)
    return {"line": sharing.line, "markdown": sharing.markdown}[form](summary, address)


def summary_of(config: Config, shown: ShownRun) -> tuple[RunSummary, str]:
    """The run as the site knows it, else as its rows say; and its address, '' if there is none."""
    assert shown.run is not None
    try:
        kept = record.load(config.site.output, shown.head.key)
    except ValueError:
        kept = None
    counts = rollup.count(shown.run, shown.verdicts)
    summary = kept.summary if kept is not None else None
    if summary is None or dict(summary.counts) != counts:
        summary = _summary(shown, counts)
    base = config.site.base_url.rstrip("/")
    return summary, f"{base}/{urls.run_page(shown.head.key)}" if base else ""


def attached_to(config: Config, shown: ShownRun) -> dict[TestName, tuple[Attachment, ...]]:
    """The attachments of its tests, as the site knows them."""
    try:
        kept = record.load(config.site.output, shown.head.key)
    except ValueError:
        kept = None
    tests = kept.tests if kept is not None else {}
    return {name: one.attachments for name, one in tests.items() if one.attachments}


def _summary(shown: ShownRun, counts: Mapping[str, int]) -> RunSummary:
    """What the rows alone say."""
    assert shown.run is not None
    run = shown.run
    failures = tuple(
        FirstFailure(*test.name, verdict.value, "")
        for test, verdict in shown.tests()
        if verdict in rollup.BAD and not test.toplevel
    )
    return rollup.summary_of(run, counts, failures[: sharing.MARKDOWN_FAILURES])
