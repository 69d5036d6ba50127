"""The verb `ingest_objects`: jobs, builds, pushes and machines of other systems, as runs.

A push on one platform is a run: target repository/platform, runname the revision, of one that is
only hexadecimal digits the first twelve. Its jobs are tests, jobs of one name attempts; what a job
says beyond that are values of category `object`, what is said of its push and its builds are
attributes of the run. Runs are made anew from all objects of a push that are known, so the order
in which they come does not matter.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from mtsite import lock
from mtsite.arealock import AREA_LOCK
from mtsite.config import AreaConfig
from mtsite.errors import ConflictError, MtsiteError
from mtsite.ingest.jobrelations import NOWHERE, Relations, numbered, relations_on
from mtsite.ingest.place import Former, Target, find_former, open_or_make
from mtsite.ingest.sources import Source, find_sources, origin
from mtsite.megatest.area import Area
from mtsite.megatest.database import AreaConnection, area_errors, open_for_writing
from mtsite.megatest.newarea import check_place, is_area
from mtsite.megatest.newrun import SOURCE, NewRun, attributes_of, delete_run, next_run
from mtsite.megatest.transfer import immediate
from mtsite.objects.shape import BUILD, MACHINE, PUSH, Found, Job, ObjectError, read_object
from mtsite.objects.store import ObjectStore, digest_of
from mtsite.relations import CATEGORY, place_of
from mtsite.rollup import BAD, verdict_of

KIND = "objects"
FIELDS = ("repository", "platform")
TARGET = Target(("x", "x"), FIELDS)
PATTERNS = ("*.json", "*.jsonl")
DIRECTORY = "objects"
LARGEST_FILE = 1 << 28
RUNNAME_DIGITS = 12
_STATES = {"NOT_STARTED": 0, "RUNNING": 1}
_DIGITS = re.compile("[0-9a-fA-F]+")


class ObjectsSummary(Struct):
    """What was done: `taken` objects are new, `known` were there, `broken` are told with why.

    `runs` were written, `waiting` objects could not be, for the reasons in `problems`.
    """

    area: str
    taken: int = 0
    known: int = 0
    complete: int = 0
    runs: int = 0
    waiting: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def ingest_objects(
    paths: Sequence[Path], settings: AreaConfig, now: int, environ: Mapping[str, str]
) -> ObjectsSummary:
    """Take all objects of these files into the area's store, and write their runs.

    Each push is one transaction. A death anywhere leaves every object in one state; calling
    again goes on, and with the same files changes nothing.

    Raises:
        UsageError: the area can't take runs, or has other keys than repository and platform.
        MissingError: a file is not there, or there is none.
    """
    sources = _sources(paths, settings.path)
    if not is_area(settings.path):
        check_place(settings.path, FIELDS)
        settings.path.mkdir(parents=True, exist_ok=True)
    with lock.hold(settings.path, AREA_LOCK, "mtsite ingest objects"):
        area = open_or_make(settings, TARGET, environ)
        TARGET.values_for(area.name, area.fields)
        return _Taking(area, now).run(sources)


def preview_objects(paths: Sequence[Path], settings: AreaConfig) -> ObjectsSummary:
    """What would be taken; nothing is written."""
    summary = ObjectsSummary(settings.name)
    stored = {path.stem for path in (settings.path / DIRECTORY).rglob("*.json")}
    for text in _texts(_sources(paths, settings.path)):
        digest = digest_of(text)
        if digest in stored:
            summary.known += 1
            continue
        stored.add(digest)
        summary.taken += 1
        try:
            read_object(text)
        except ObjectError as error:
            summary.broken.append((digest, str(error)))
    return summary


def _sources(paths: Sequence[Path], spool: Path) -> list[Source]:
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            below = [one for pattern in PATTERNS for one in path.rglob(pattern) if one.is_file()]
            found += [Source(one, str(one), named=False) for one in sorted(below)]
        else:
            found += find_sources([path], "*.json", spool)
    return found


def _texts(sources: Iterable[Source]) -> Iterator[str]:
    """The texts of all objects: of a file, of the lines of a .jsonl, of a list in a file."""
    for source in sources:
        if source.path.suffix == ".jsonl":
            with source.path.open(encoding="utf-8", errors="replace") as lines:
                yield from (line.strip() for line in lines if line.strip())
            continue
        if source.path.stat().st_size > LARGEST_FILE:
            yield json.dumps({"file": source.name, "kind": "a file of more than 256 MB"})
            continue
        text = source.path.read_text("utf-8", errors="replace")
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            told = None
        yield from (map(_text_of, told) if isinstance(told, list) else (text,))


def _text_of(told: object) -> str:
    try:
        return json.dumps(told)
    except RecursionError:
        return json.dumps("nested too deeply")


class _Taking:
    """One call: the store and the area."""

    def __init__(self, area: Area, now: int) -> None:
        self._area = area
        self._now = now
        self._store = ObjectStore(area.path / DIRECTORY)
        self._summary = ObjectsSummary(area.name)

    def run(self, sources: Iterable[Source]) -> ObjectsSummary:
        for text in _texts(sources):
            if self._store.take(text):
                self._summary.taken += 1
            else:
                self._summary.known += 1
        pushes = self._load()
        connection = open_for_writing(self._area.live)
        try:
            with area_errors(self._area.live):
                for place in sorted(pushes):
                    self._push(connection, place, pushes[place])
        finally:
            connection.close()
        self._summary.broken = self._store.quarantined()
        return self._summary

    def _load(self) -> dict[Path, dict[str, Found]]:
        """The objects that wait, by push; machines are complete at once."""
        pushes: dict[Path, dict[str, Found]] = {}
        for path in self._store.waiting():
            found = self._store.load(path)
            if found is None:
                continue
            if found.kind == MACHINE:
                self._store.complete(path.name, found)
                self._summary.complete += 1
            else:
                pushes.setdefault(self._store.place_of(found), {})[path.name] = found
        return pushes

    def _push(self, connection: AreaConnection, place: Path, new: Mapping[str, Found]) -> None:
        objects = {**dict(self._store.objects_in(place)), **new}
        try:
            with immediate(connection):
                written = self._write_all(connection, objects)
        except MtsiteError as error:
            self._summary.problems.append(error.message)
            self._summary.waiting += len(new)
            for name in new:
                self._store.put_back(name)
            return
        self._summary.runs += written
        for name, found in new.items():
            self._store.complete(name, found)
        self._summary.complete += len(new)

    def _write_all(self, connection: AreaConnection, objects: Mapping[str, Found]) -> int:
        """Write the runs of a push, one per platform; how many that were.

        A job may say where it runs only later: the run under no platform goes then.
        """
        platforms = _platforms(objects)
        jobs, one = _latest(objects), next(iter(objects.values()))

        def place(platform: str, name: str) -> str:
            return place_of(self._values(one, platform), _runname(one.revision), (name, ""))

        told = {_platform(one) for one in objects.values() if isinstance(one, Job)}
        for platform in sorted(told - set(platforms.values())):
            self._take_back(connection, one, platform)
        written = 0
        for platform in sorted(set(platforms.values())):
            chosen = {
                name: found
                for name, found in objects.items()
                if not isinstance(found, Job) or platforms[found.id] == platform
            }
            related = relations_on(platform, jobs, platforms, place)
            written += self._write(connection, platform, chosen, related)
        return written

    def _take_back(self, connection: AreaConnection, one: Found, platform: str) -> None:
        runname = _runname(one.revision)
        values = self._values(one, platform)
        former = find_former(self._area, connection, values, runname, kind=KIND)
        if former is not None and former.source:
            _check_same_push(connection, former, one, runname)
            delete_run(connection, former.run_id)

    def _values(self, one: Found, platform: str) -> list[str]:
        by_name = {"repository": one.repository, "platform": platform}
        return [by_name[name.lower()] for name in self._area.fields]

    def _write(
        self,
        connection: AreaConnection,
        platform: str,
        chosen: Mapping[str, Found],
        related: Relations,
    ) -> bool:
        """Write the run of a push on one platform; False when it is there from these objects."""
        one = next(iter(chosen.values()))
        values, runname = self._values(one, platform), _runname(one.revision)
        names = [name.removesuffix(".json") for name in chosen]
        source = origin(KIND, [*names, repr(sorted(related.items()))] if related else names)
        former = find_former(self._area, connection, values, runname, kind=KIND)
        if former is not None and former.source == source:
            return False
        if former is not None:
            _check_same_push(connection, former, one, runname)
            delete_run(connection, former.run_id)
        run = NewRun(connection, former.run_id if former else next_run(connection))
        jobs = sorted(_latest(chosen), key=lambda job: (job.name, job.start or 0, job.id))
        self._add_tests(run, jobs, related)
        started = min((job.start for job in jobs if job.start is not None), default=self._now)
        run.finish(self._area.fields, values, self._columns(runname, started))
        run.add_attributes([(SOURCE, source), *_attributes(chosen.values())])
        return True

    def _columns(self, runname: str, started: int) -> dict[str, float | int | str | None]:
        return {
            "runname": runname,
            "state": "new",
            "status": "n/a",
            "owner": "",
            "event_time": started,
            "last_update": self._now,
        }

    def _add_tests(self, run: NewRun, jobs: Sequence[Job], related: Relations) -> None:
        by_name: dict[str, list[Job]] = {}
        for job in jobs:
            by_name.setdefault(job.name, []).append(job)
        for name, attempts in by_name.items():
            test_id = self._add_test(run, name, attempts)
            self._add_values(run, test_id, CATEGORY, numbered(related.get(name, ())), "")

    def _add_test(self, run: NewRun, name: str, attempts: Sequence[Job]) -> int:
        last = attempts[-1]
        status, comment = last.status, last.result if last.status != "PASS" else ""
        failed = [job for job in attempts[:-1] if verdict_of(job.state, job.status) in BAD]
        if failed and status == "PASS":
            status = "WARN"
            comment = f"passed at attempt {len(attempts)}; before: {failed[-1].result}"
        test_id = run.next_test()
        took = max(0, last.end - last.start) if last.start is not None and last.end else 0
        run.add_test(
            (
                *(test_id, run.run_id, name, "", last.state, status, last.machine or "n/a"),
                *("n/a", "n/a", "logs/final.log", took, comment, last.start, 0, 0, self._now),
            )
        )
        for number, job in enumerate(attempts, start=1):
            prefix = "" if len(attempts) == 1 else f"attempt-{number}: "
            if prefix:
                self._add_attempt(run, test_id, number, job)
            self._add_values(run, test_id, "object", job.fields, prefix)
        machine = self._store.machine(last.machine)
        if machine is not None:
            self._add_values(run, test_id, MACHINE, machine.fields, "")
        return test_id

    def _add_attempt(self, run: NewRun, test_id: int, number: int, job: Job) -> None:
        step = f"attempt-{number}"
        code = "1" if verdict_of(job.state, job.status) in BAD else "0"
        if job.start is not None:
            run.add_step((test_id, step, "start", "-", job.start, "", "", self._now))
        run.add_step((test_id, step, "end", code, job.end, job.result, "", self._now))

    def _add_values(
        self,
        run: NewRun,
        test_id: int,
        category: str,
        fields: Iterable[tuple[str, float | int | str]],
        prefix: str,
    ) -> None:
        for path, value in fields:
            row = (category, f"{prefix}{path}", value, None, None, "", "", "n/a", "")
            run.add_datum((test_id, *row, self._now))


def _runname(revision: str) -> str:
    """Short where it is a digest; another word may differ from the next in its last letter."""
    return revision[:RUNNAME_DIGITS] if _DIGITS.fullmatch(revision) else revision


def _check_same_push(connection: AreaConnection, former: Former, one: Found, runname: str) -> None:
    """Let no push take the place of another one of the same runname.

    Raises:
        ConflictError: the run that is there is of another revision.
    """
    there = dict(attributes_of(connection, former.run_id)).get("revision", one.revision)
    if former.source and there != one.revision:
        raise ConflictError(
            f"{one.repository}/{runname} is there, of revision {there}: {one.revision} waits",
            "ingest it into another area",
        )


def _latest(objects: Mapping[str, Found]) -> list[Job]:
    """Each job once: what was said of it last, while it waited, ran, or when it had ended."""
    latest: dict[str, Job] = {}
    for _digest, found in sorted(objects.items()):
        if isinstance(found, Job):
            before = latest.get(found.id)
            if before is None or _progress(found) >= _progress(before):
                latest[found.id] = found
    return list(latest.values())


def _progress(job: Job) -> tuple[int, int]:
    return _STATES.get(job.state, len(_STATES)), job.end or 0


def _platform(job: Job) -> str:
    return job.platform or NOWHERE


def _platforms(objects: Mapping[str, Found]) -> dict[str, str]:
    """Id of each job → its platform: what was said of it last, where anything was."""
    found: dict[str, tuple[bool, tuple[int, int], str]] = {}
    for _digest, one in sorted(objects.items()):
        if isinstance(one, Job):
            told = (bool(one.platform), _progress(one), _platform(one))
            found[one.id] = max(found.get(one.id, told), told, key=lambda pair: pair[:2])
    return {name: platform for name, (_, _, platform) in found.items()}


def _attributes(objects: Iterable[Found]) -> Iterator[tuple[str, str]]:
    """What is known of the push and its builds: the run belongs to them."""
    told = sorted(objects, key=lambda found: (found.kind, found.id))
    yield "repository", told[0].repository
    yield "revision", told[0].revision
    for found in told:
        if found.kind in {PUSH, BUILD}:
            prefix = found.kind if found.kind == PUSH else f"build {found.id}"
            yield from ((f"{prefix}: {path}", str(value)) for path, value in found.fields)
