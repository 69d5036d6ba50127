"""The second half of a worker's task: the pages of one run, written where their input moved.

A page's fingerprint covers all that it shows: its rows, its record, the facts about it, its
neighbours, the frame of the site, and its recipe (the page module's EDITION and its templates).
A page whose fingerprint stands is neither rendered nor opened.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import record, urls
from mtsite.build import digest
from mtsite.build.aside import (
    PartTask,
    PartWritten,
    RunWritten,
    Taken,
    WriteTask,
    record_aside,
    take_up,
)
from mtsite.build.attached import heads_of
from mtsite.build.gonepages import write_gone_run, write_gone_test
from mtsite.build.issues import Judge, fit_counts
from mtsite.build.logpages import log_pages
from mtsite.build.pen import Look, Pen, json_bytes
from mtsite.build.reasons import reason_of
from mtsite.build.strange import unusual_of
from mtsite.logs.likeness import Alike
from mtsite.model import (
    RunFacts,
    RunKey,
    RunRecord,
    RunSummary,
    Test,
    TestName,
    TestRecord,
)
from mtsite.pages import (
    attachments,
    compare,
    comparing,
    disagreement,
    log,
    relations_file,
    run,
    run_tests,
    strange,
    suspects,
    test,
    waits,
)
from mtsite.pages.disagreement import Differences
from mtsite.pages.issues import Known, muted_of
from mtsite.pages.place import RunPlace
from mtsite.rollup import BAD

KINDS = (log, test, run)
"""Pages that every run has."""


class RunWriter(Struct, frozen=True):
    """The work on a `WriteTask`."""

    site: Path
    look: Look
    judge: Judge = field(default_factory=Judge)
    alike: Alike = field(default_factory=Alike)

    def __call__(self, task: WriteTask) -> RunWritten:
        """Write the record and every page whose input moved; take away pages that have none."""
        pen = Pen(self.site, self.look, task.dir, task.known)
        known: Known = {}
        if task.spool is None:
            assert task.gone is not None
            kept, sealed = task.gone, bool(task.gone.sealed)
            pen.store(urls.record_file(kept.key), record.encode(kept))
            write_gone_run(pen, kept)
        else:
            taken = take_up(task.spool)
            known = self.judge.of_run(taken.run.key, taken.run.event_time, taken.record)
            kept, facts = _settle(taken, task, known)
            sealed = bool(kept.sealed)
            if task.facts is not None:
                found = unusual_of(self.site, taken.run, kept, facts, self._good_records(task))
                kept = replace(kept, unusual=found)
            # What is not frozen is found anew by the next build.
            stored = kept if sealed else replace(kept, unusual={})
            pen.store(urls.record_file(kept.key), record.encode(stored))
            _RunPages(pen, taken, (kept, facts, known), task, self.alike).write()
        assert kept.summary is not None
        removed = pen.remove_rest()
        return RunWritten(
            task.dir,
            kept.summary,
            pen.changed,
            removed,
            sealed,
            pen.rendered,
            fit_counts(known),
        )

    def write_part(self, part: PartTask) -> PartWritten:
        """Write pages of tests that came out well: no other run has a say in what they show."""
        task = part.task
        assert task.spool is not None
        pen = Pen(self.site, self.look, task.dir, task.known)
        taken = take_up(task.spool)
        known = self.judge.of_run(taken.run.key, taken.run.event_time, taken.record)
        kept, facts = _settle(taken, task, known)
        pages = _RunPages(pen, taken, (kept, facts, known), task, self.alike)
        positions = range(len(taken.run.tests))[part.first : part.last]
        pages.write_tests(i for i in positions if taken.verdicts[i] not in BAD)
        return PartWritten(pen.changed, pen.rendered)

    def _good_records(self, task: WriteTask) -> Callable[[RunKey], RunRecord | None]:
        def look_up(key: RunKey) -> RunRecord | None:
            aside = task.goods.get(key.runname)
            try:
                return record_aside(aside) if aside else record.load(self.site, key)
            except ValueError:
                return None

        return look_up


def _settle(taken: Taken, task: WriteTask, known: Known) -> tuple[RunRecord, RunFacts]:
    """The record as it is to be kept, and the facts that the pages show."""
    facts = task.facts or taken.record.facts or RunFacts()
    summary = taken.record.summary
    assert summary is not None
    muted = muted_of(known)
    changes = [
        facts.tests[test.name].change
        for test in taken.run.tests
        if not test.toplevel and test.name in facts.tests and test.name not in muted
    ]
    summary = replace(
        summary,
        new=changes.count("new"),
        still=changes.count("still"),
        fixed=changes.count("fixed"),
        known=len(muted),
    )
    keep = task.seal or task.facts is None
    return (
        replace(
            taken.record,
            summary=summary,
            facts=facts if keep else None,
            sealed=taken.rows if keep else "",
        ),
        facts,
    )


class _RunPages:
    """All pages of one run that has rows."""

    def __init__(
        self,
        pen: Pen,
        taken: Taken,
        told: tuple[RunRecord, RunFacts, Known],
        task: WriteTask,
        alike: Alike,
    ) -> None:
        kept, facts, self.known = told
        self.pen = pen
        self.run = taken.run
        self.rows_shown = taken.shown
        self.verdicts = taken.verdicts
        self.kept = kept
        self.facts = facts
        self.next_run = task.next_run
        self.related, self.elsewhere = task.related, task.elsewhere
        letters = [verdict.value for verdict in taken.verdicts]
        self.place = RunPlace(pen.frame, taken.run, letters, facts, kept, alike)
        self.place.elsewhere = task.elsewhere
        self._said: dict[str, tuple[object, ...]] = {}
        self.rows = [digest.test_values(one) for one in taken.run.tests]
        self.logs = {
            name: [digest.log_values(log) for log in one.logs] for name, one in kept.tests.items()
        }

    def write(self) -> None:
        """Test and log pages first, the run page last: a reader finds what it links to."""
        self.write_tests(range(len(self.run.tests)))
        for name, kept in sorted(self.kept.tests.items()):
            if kept.gone:
                write_gone_test(self.pen, self.kept, kept, name)
        self._run_pages()

    def write_tests(self, positions: Iterable[int]) -> None:
        """Pages of these tests and of their logs."""
        for index in positions:
            one = self.run.tests[index]
            kept = self.kept.tests[one.name]
            self._test_page(index, one, kept)
            log_pages(self.pen, self.kept, kept, self.verdicts[index], self.logs[one.name])

    @cached_property
    def differences(self) -> Differences:
        """Where the sources of verdicts differ: pages of tests, page of the run and twin say it."""
        return disagreement.of_all(self.run, self.place.letters, self.kept)

    @cached_property
    def _head(self) -> str:
        """A digest of what all tests of the run share: each of their pages asks for it."""
        run = self.run
        facts = self.facts
        return digest.of(
            repr(run.key),
            run.keys,
            run.event_time,
            facts.window,
            facts.previous,
            facts.last_good,
        )

    def _test_page(self, index: int, one: Test, kept: TestRecord) -> None:
        path = urls.test_page(self.run.key, one.name)
        values: list[object] = [self._head, self.rows[index], self.verdicts[index].value]
        values.append(self.logs[one.name])
        values.append(self._fact_values(one.name))
        values.append(self._neighbours(index))
        values.append(self._same_error(index))
        if one.samples or self.run.unsampled:
            values.append([one.samples, self.run.unsampled])
        if one.archived:
            values.append([digest.archive_values(self.run)])
        values.append(self._author_says(one.testname))
        hangs = waits.shown(self.place.relations, one.name, path)
        if any(hangs.values()):
            values.append(repr(hangs))
        if kept.why:
            # Where the cluster lies that the page leads to.
            values.append(self.place.alike.of(reason_of(kept)[3])[::2])
        if one.name in self.kept.unusual:
            values.append(repr(self.kept.unusual[one.name]))
        left_out = strange.left_out(
            one, self.facts.tests.get(one.name), kept.logs, self.kept.unusual
        )
        if left_out:
            values.append(left_out)
        if one.name in self.known:
            values.append(repr(self.known[one.name]))
        values += suspects.pieces(self.place, self.facts.tests.get(one.name), path)
        values += digest.attachment_values(kept)
        if one.toplevel:
            values.append([self._item_values(i) for i in self.place.items.get(one.testname, ())])
        fingerprint = self.pen.fresh(test, path, values)
        if fingerprint:
            found = test.Found(
                differences=self.differences.get(index, ()),
                unusual=self.kept.unusual.get(one.name),
                not_compared=left_out,
                known=self.known.get(one.name, ()),
                heads=heads_of(self.pen.site, kept.attachments, attachments.MOST_TEXTS),
            )
            context = test.context(self.place, index, kept, found)
            self.pen.page(test, path, fingerprint, context)

    def _author_says(self, testname: str) -> tuple[object, ...]:
        """What is known of a test beside the run."""
        found = self._said.get(testname)
        if found is None:
            said = self.kept.definitions.get(testname)
            found = self._said[testname] = (
                repr(self.run.meta.get(testname)),
                digest.of(digest.definition_values({testname: said})) if said else "",
            )
        return found

    def _fact_values(self, name: TestName) -> object:
        facts = self.facts.tests.get(name)
        return None if facts is None else digest.fact_values(facts)

    def _item_values(self, index: int) -> tuple[object, ...]:
        """What the page of an iterated test shows of one item."""
        name = self.run.tests[index].name
        logs = self.logs[name]
        return (self.rows[index], self.verdicts[index].value, self._fact_values(name), logs)

    def _neighbours(self, index: int) -> list[object]:
        """The failures before and after, and whether a row sums this item up: links go there."""
        tests = self.run.tests
        around = [tests[i].name if i >= 0 else None for i in self.place.bad_neighbours[index]]
        return [*around, tests[index].testname in self.place.toplevels]

    def _same_error(self, index: int) -> list[object]:
        count, others = self.place.same_error(index)
        return [count, *(self.run.tests[i].name for i in others)]

    def _run_pages(self) -> None:
        run_values = (
            self.rows_shown,
            [verdict.value for verdict in self.verdicts],
            [(one.gone, self.logs[name]) for name, one in sorted(self.kept.tests.items())],
            repr(self.facts),
            digest.definition_values(self.kept.definitions),
            repr(self.kept.summary and replace(self.kept.summary, home="")),
        )
        more = [repr(sorted(self.known.items()))] if self.known else []
        more += [repr(self.run.attributes)] if self.run.attributes else []
        attached = _attached(self.kept)
        more += [digest.of(attached)] if attached else []
        inputs = digest.of(run_values, *more)
        summary = self.kept.summary
        assert summary is not None
        self._run_page(inputs, summary)
        path = urls.run_twin(self.run.key)
        fingerprint = self.pen.fresh(run, path, inputs, digest.beside_values(self.run))
        if fingerprint:
            rows = (self.run, self.verdicts, self.kept, self.facts, summary)
            told = run.twin(*rows, self.differences, self.known)
            self.pen.write(path, json_bytes(told), fingerprint)
        self._relations_file(digest.of(inputs, repr(self.related), repr(self.elsewhere)))
        path = urls.run_values(self.run.key)
        muted = [sorted(muted_of(self.known))] if self.known else []
        fingerprint = self.pen.fresh(compare, path, self.rows_shown, self.place.letters, *muted)
        if fingerprint:
            content = comparing.values_shard(self.run, self.place.letters, self.known)
            self.pen.write(path, content, fingerprint)

    def _relations_file(self, inputs: str) -> None:
        if not relations_file.has_any(self.place.relations, self.related):
            return
        path = urls.relations_file(self.run.key)
        fingerprint = self.pen.fresh(run, path, inputs)
        if fingerprint:
            told = relations_file.document(self.place.relations, self.related)
            self.pen.write(path, json_bytes(told), fingerprint)

    def _run_page(self, inputs: str, summary: RunSummary) -> None:
        """The page of the run, and before it the lists and shards that it leads to."""
        path = urls.run_page(self.run.key)
        beside = replace(self.pen.beside.of(self.run, self.next_run), related=self.related)
        lists = digest.of(self.pen.recipes[run_tests.TEMPLATE], inputs)
        fingerprint = self.pen.fresh(run, path, inputs, repr(beside), lists)
        if not fingerprint:
            self.pen.keep_made_from(lists)
            return
        shown = run.Shown(
            self.run,
            self.place.letters,
            self.kept,
            self.facts,
            summary,
            self.differences,
            self.known,
            self.place.relations,
        )
        listed = run.divide(shown)
        if not self.pen.keep_made_from(lists):
            for index, page in enumerate(listed.lists):
                made = run_tests.context(self.pen.frame, self.run, listed, index)
                self.pen.page(run_tests, page.path, lists, made)
            for shard, content in listed.shards:
                self.pen.write(shard, content, lists)
        self.pen.page(run, path, fingerprint, run.context(self.pen.frame, shown, listed, beside))


def _attached(kept: RunRecord) -> list[object]:
    """The attachments of all tests that have some, as plain values."""
    tests = sorted(kept.tests.items())
    return [(name, *digest.attachment_values(one)) for name, one in tests if one.attachments]
