"""What an item becomes: a row of its test, values, attempts, logs.

passed → PASS, failed → FAIL, error → ABORT, skipped → SKIP; passed after failed attempts → WARN.
A second item of the same name is the next attempt where the one before it went wrong, and a test
of its own (`name #2`) where it went well: a failure is never hidden.
"""

from collections import Counter

from msgspec import Struct, field

from mtsite import rollup
from mtsite.ingest.attached import Attached, named_by
from mtsite.ingest.outputs import RunOutputs, write_log
from mtsite.ingest.said import add_said
from mtsite.junit import exact
from mtsite.junit.exact import Said
from mtsite.junit.names import UNNAMED
from mtsite.junit.read import ERROR, FAILED, PASSED, SKIPPED, Group, Item, Problem
from mtsite.junit.text import Text
from mtsite.megatest.newrun import NewRun
from mtsite.spelled import number

STATUS = {PASSED: "PASS", FAILED: "FAIL", ERROR: "ABORT", SKIPPED: "SKIP"}
COMPLETED, AFTER_ATTEMPTS = "COMPLETED", "WARN"
BAD = frozenset({"FAIL", "ABORT"})
NO_DIRECTORY, NO_LOG = "n/a", "logs/final.log"
FAILURE = "failure.log"
LONGEST_COMMENT = 2_000
_JUNIT, _PROPERTY = "junit", "property"


class Totals(Struct):
    """What was read; `attempts` are items that became attempts of another one."""

    items: int = 0
    passed: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0
    attempts: int = 0
    tests: int = 0
    seconds: float = 0.0


class _Test(Struct):
    """A test while its items arrive: how many of them have which state and status.

    `plain`: it has a row of its own, and is no sum over items. `said` is what `exact` says of it.
    """

    start: int | None
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    plain: bool = False
    said: Said | None = None
    values: list[tuple[str, str]] = field(default_factory=list)
    directory: str = NO_DIRECTORY


class ItemRows:
    """Takes the items of all files of one run (`junit.read.Sink`)."""

    def __init__(self, run: NewRun, outputs: RunOutputs, now: int) -> None:
        self.totals = Totals()
        self.attributes: dict[str, str] = {}
        self.said: Said = {}
        self.started: float | None = None
        self.fallback: float = now
        self.attached = Attached()
        self._run = run
        self._outputs = outputs
        self._now = now
        self._seen: set[int] = set()
        self._tests: dict[str, _Test] = {}
        self._attempts: dict[int, int] = {}
        self._namesakes: dict[tuple[str, str], int] = {}

    def item(self, item: Item) -> None:
        """Add an item, or another attempt at one."""
        totals = self.totals
        totals.items += 1
        setattr(totals, item.outcome, getattr(totals, item.outcome) + 1)
        totals.seconds += item.time or 0.0
        said = exact.read_test(item.properties) if item.properties else None
        if said is not None:
            item.test = said.get("testname", item.test)
            item.name = said.get("item_path", item.name)
        # Names would be many megabytes; that two of them have one hash is looked up below.
        mark = hash((item.test, item.name))
        if mark not in self._seen:
            self._seen.add(mark)
            self._add(item, said)
            return
        known = self._run.find(item.test, item.name)
        if known is None:
            self._add(item, said)
        elif self._run.test(known)["status"] in BAD:
            self._add_attempt(known, item)
        else:
            self._add_namesake(item)

    def group(self, group: Group) -> None:
        """Add what a group says itself: attributes of the run, or values of its test."""
        written = [(kind, text) for kind, text in group.outputs if not text.is_blank()]
        test = group.test or group.name
        said = exact.read_test(group.properties) if group.properties else None
        if said is not None:
            self._test(said.get("testname", test), None).said = said
            return
        if not group.properties and not written:
            return
        if group.depth == 0:
            self.run(group.properties, test)
        elif test:
            self._test(test, group.clock).values += group.properties
        if written:
            held = self._test(test or UNNAMED, group.clock)
            held.directory = self._outputs.directory(test or UNNAMED, None)
            for kind, text in written:
                write_log(held.directory, f"{kind}.log", "", [text])

    def run(self, properties: list[tuple[str, str]], test: str = "") -> None:
        """Add attributes of the run; one that another file says otherwise stays with its test."""
        self.said = exact.read_run(properties) or self.said
        for name, value in properties:
            if self.attributes.setdefault(name, value) != value and test in self._tests:
                self._tests[test].values.append((name, value))

    def finish(self) -> None:
        """Write the toplevel rows, each with what its items roll up to."""
        for name, test in self._tests.items():
            self.totals.tests += 1
            if test.plain:
                continue
            pairs = list(test.statuses)
            state, status = rollup.roll_up_items(pairs) if pairs else ("COMPLETED", "n/a")
            logs = NO_LOG if test.directory == NO_DIRECTORY else "system-out.log"
            start = test.start if test.start is not None else int(self.fallback)
            place = (test.directory, test.directory, logs)
            ends = ("n/a", *place, 0, "", start, 0, 0, self._now)
            test_id = self._run.next_test()
            self._run.add_test((test_id, self._run.run_id, name, "", state, status, *ends))
            for key, value in exact.numbered(test.values):
                self._add_value(test_id, _PROPERTY, key, number(value), "")
            if test.said is not None:
                add_said(self._run, test_id, test.said, self._now)
        self._run.flush()

    def _add(self, item: Item, said: Said | None = None) -> None:
        test = self._tests.get(item.test)
        if test is None:
            test = self._test(item.test, item.start)
        test_id = self._run.next_test()
        status = STATUS[item.outcome]
        comment = _comment(item.problems) if item.problems else ""
        directory, log = NO_DIRECTORY, NO_LOG
        named = named_by(item) if item.outputs or item.attempts or item.properties else []
        if item.problems or item.outputs or item.attempts:
            directory, log = self._write_logs(item)
        if named:
            directory = self._copy(item, named)
        if item.attempts:
            first = log if log == FAILURE else ""
            status, comment = self._add_reruns(test_id, item, (status, comment, first))
        start = item.start if item.start is not None else self.fallback
        if item.start is not None and (self.started is None or start < self.started):
            self.started = start
        if item.time is not None and item.time != int(item.time):
            self._add_value(test_id, _JUNIT, "time", item.time, "s")
        if item.attributes:
            for key, value in item.attributes.items():
                self._add_value(test_id, _JUNIT, key, number(value), "")
        if item.properties and (said is None or "data" not in said):
            for key, value in exact.numbered(item.properties):
                if key != exact.TEST_PROPERTY:
                    self._add_value(test_id, _PROPERTY, key, number(value), "")
        state = COMPLETED if said is None else said.get("state", COMPLETED)
        test.statuses[state, status if said is None else said.get("status", status)] += 1
        test.plain = test.plain or not item.name
        self._run.add_test(
            (
                *(test_id, self._run.run_id, item.test, item.name, COMPLETED, status),
                *(item.hostname or "n/a", directory, directory, log),
                *(int((item.time or 0) + 0.5), comment, int(start), 0, 0, self._now),
            )
        )
        if said is not None:
            add_said(self._run, test_id, said, self._now)

    def _copy(self, item: Item, named: list[str]) -> str:
        """Take over the files that an item names; its run directory."""
        directory = self._outputs.directory(item.test, item.name)
        self.attached.copy(named, directory, "/".join(filter(None, (item.test, item.name))))
        return directory

    def _add_value(
        self, test_id: int, category: str, name: str, value: float | int | str, units: str
    ) -> None:
        self._run.add_value(test_id, (category, name, value, units), self._now)

    def _test(self, name: str, start: float | None) -> _Test:
        test = self._tests.get(name)
        if test is None:
            test = self._tests[name] = _Test(None if start is None else int(start))
        return test

    def _write_logs(self, item: Item) -> tuple[str, str]:
        """Write the logs of an item; its run directory, and the log that speaks for it."""
        written = [(kind, text) for kind, text in item.outputs if not text.is_blank()]
        failed = [p for p in item.problems if _needs_a_log(p)]
        if not written and not failed and not item.attempts:
            return NO_DIRECTORY, NO_LOG
        directory = self._outputs.directory(item.test, item.name)
        for problem in failed:
            write_log(directory, FAILURE, _head(problem), [problem.text])
        for kind, text in written:
            write_log(directory, f"{kind}.log", "", [text])
        return directory, FAILURE if failed else f"{written[0][0]}.log" if written else NO_LOG

    def _add_reruns(self, test_id: int, item: Item, first: tuple[str, str, str]) -> tuple[str, str]:
        """Steps for the attempts that one item tells of; its status and comment then.

        `first` are status, comment and log of the item's own problem.
        """
        passed = not item.problems
        if not passed:
            self._add_step(test_id, 1, *first)
        directory = self._outputs.directory(item.test, item.name)
        for count, attempt in enumerate(item.attempts, start=1 if passed else 2):
            log = f"attempt-{count}.log"
            texts = (text for _kind, text in attempt.outputs)
            write_log(directory, log, _head(attempt), [attempt.text, *texts])
            self._add_step(test_id, count, STATUS[attempt.kind], _comment([attempt]), log)
        count = len(item.attempts) + 1
        self._attempts[test_id] = count
        if not passed:
            return first[:2]
        self._add_step(test_id, count, "PASS", "", "")
        return AFTER_ATTEMPTS, _passed_at(count, _comment(item.attempts))

    def _add_step(self, test_id: int, count: int, status: str, comment: str, log: str) -> None:
        code = "0" if status in {"PASS", "SKIP"} else "1"
        self._run.add_step(
            (test_id, f"attempt-{count}", "end", code, None, comment, log, self._now)
        )

    def _add_attempt(self, test_id: int, item: Item) -> None:
        """The item went wrong before and was run once more."""
        self.totals.attempts += 1
        row = self._run.test(test_id)
        count = self._attempts.get(test_id, 1) + 1
        if count == 2:
            first = FAILURE if row["final_logf"] == FAILURE else ""
            self._add_step(test_id, 1, str(row["status"]), str(row["comment"]), first)
        self._attempts[test_id] = count
        status, comment = STATUS[item.outcome], _comment(item.problems)
        texts = [*(p.text for p in item.problems), *(text for _kind, text in item.outputs)]
        log = ""
        if named := named_by(item):
            directory = self._copy(item, named)
            self._run.change_test(test_id, {"rundir": directory, "shortdir": directory})
        if any(not text.is_blank() for text in texts):
            log = f"attempt-{count}.log"
            head = _head(item.problems[0]) if item.problems else ""
            directory = self._outputs.directory(item.test, item.name)
            write_log(directory, log, head, texts)
            self._run.change_test(test_id, {"rundir": directory, "shortdir": directory})
        self._add_step(test_id, count, status, comment, log)
        if item.outcome == SKIPPED:
            return
        if item.outcome == PASSED:
            status, comment = AFTER_ATTEMPTS, _passed_at(count, str(row["comment"]))
        statuses = self._tests[item.test].statuses
        statuses[COMPLETED, str(row["status"])] -= 1
        statuses += Counter()
        statuses[COMPLETED, status] += 1
        self._run.change_test(test_id, {"status": status, "comment": comment})

    def _add_namesake(self, item: Item) -> None:
        """Another item of a name that is there already, and went well there."""
        name = item.name
        count = self._namesakes.get((item.test, name), 1) + 1
        while hash((item.test, f"{name} #{count}")) in self._seen:
            count += 1
        self._namesakes[item.test, name] = count
        item.name = f"{name} #{count}"
        self._seen.add(hash((item.test, item.name)))
        self._add(item)


def _comment(problems: list[Problem]) -> str:
    """What went wrong, in a few lines: message, else the first line of the text."""
    if not problems:
        return ""
    worst = max(problems, key=lambda one: one.kind == ERROR)
    told = worst.message.strip() or _first_line(worst.text) or worst.type
    if worst.kind == SKIPPED and not _has_lines(worst.text):
        # One line that says where, too: a log of its own would be too much for it.
        line = worst.text.head().strip()
        told = line if told in line else told
    return told if len(told) <= LONGEST_COMMENT else f"{told[:LONGEST_COMMENT]}…"


def _first_line(text: Text) -> str:
    return next((line.strip() for line in text.head().splitlines() if line.strip()), "")


def _needs_a_log(problem: Problem) -> bool:
    """Whether there is more to say of it than its comment has."""
    if problem.kind == SKIPPED:
        return _has_lines(problem.text)
    return len(problem.message) > LONGEST_COMMENT or not problem.text.is_blank()


def _has_lines(text: Text) -> bool:
    return "\n" in text.head().strip()


def _head(problem: Problem) -> str:
    """Type and message, where the text does not begin with them itself."""
    told = ": ".join(filter(None, (problem.type.strip(), problem.message.strip())))
    beginning = problem.message.strip() or problem.type.strip()
    return "" if beginning and beginning in problem.text.head() else told


def _passed_at(count: int, comment: str) -> str:
    return f"passed at attempt {count}; before: {comment}" if comment else f"attempt {count}"
