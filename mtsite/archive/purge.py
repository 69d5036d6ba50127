"""Content that is taken back now: of a run, one stored log, or all that a redaction rule matches.

    records say so first → a build makes the stubs → publish puts them → the objects are deleted

What is to be deleted at the destination stands in a file of the state directory until it is done,
so that a call which died, or met a destination that refused, is finished by the next one.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from mtsite import atomicfile, record, urls
from mtsite.amounts import plural
from mtsite.archive import pending
from mtsite.archive.records import Who, note, save, writing
from mtsite.archive.remask import Remasked, mask_blobs, mask_record, redactor_named
from mtsite.config import Config
from mtsite.errors import MissingError, UsageError
from mtsite.logs.blocks import stored_file
from mtsite.model import Attachment, LetGo, LogRecord, RunKey, RunRecord, TestRecord
from mtsite.retention import PURGE, day_of

FILE = "taken-back.json"
BLOB = "blob"
SHORTEST_DIGEST = 8
_DIGEST = re.compile(r"(?:.*/)?([0-9a-f]{8,64})(?:\.[A-Za-z0-9]+)?")

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PurgePlan:
    """What a purge takes back. `runs` are those whose records and pages change.

    `blobs` are deleted here and at the destination. `shared` are blobs of the run that stay because
    other runs have the same log, with how many. `remasked` are blobs that are replaced: their text
    is masked again and has another name from then on.
    """

    what: str
    runs: tuple[RunKey, ...] = ()
    blobs: tuple[str, ...] = ()
    shared: Mapping[str, int] = field(default_factory=dict)
    remasked: Mapping[str, Remasked] = field(default_factory=dict)
    edit: Callable[[RunRecord, Who, str], RunRecord] = field(
        default=lambda kept, _who, _why: kept, repr=False, compare=False
    )


def plan_run(config: Config, key: RunKey) -> PurgePlan:
    """Take back all that the site shows of a run but names, verdicts and counts.

    Raises:
        MissingError: there is no record of it: the site shows nothing of it.
    """
    own: set[str] = set()
    found = False
    users: dict[str, int] = {}
    for kept in record.walk(config.site.output):
        if kept.key == key:
            own, found = pending.blobs_of(kept), True
        else:
            for blob in pending.blobs_of(kept):
                users[blob] = users.get(blob, 0) + 1
    if not found:
        raise MissingError(f"there is no record of {urls.run_dir(key)}", "mtsite build")
    shared = {blob: users[blob] for blob in sorted(own) if blob in users}
    gone = tuple(sorted(own - shared.keys()))
    return PurgePlan(f"run {urls.run_dir(key)}", (key,), gone, shared, edit=take_back_run)


def plan_blob(config: Config, told: str) -> PurgePlan:
    """Take back one stored log from every run that has it; `told` is its path, URL or digest.

    Raises:
        MissingError: there is no such blob.
        UsageError: the digest is too short to be sure.
    """
    matched = _DIGEST.fullmatch(told)
    if matched is None:
        raise UsageError(f"{told}: no digest of a stored log", f"at least {SHORTEST_DIGEST} hex")
    store = config.site.output / "_blobs" / matched[1][:2]
    found = sorted(path for path in store.glob(f"{matched[1]}*") if path.is_file())
    waiting = [blob for blob in read_taken_back(config) if matched[1] in blob]
    if len({path.name.split(".")[0] for path in found}) > 1:
        raise UsageError(
            f"{told}: {plural(len(found), 'stored log')} begin like that", "give more of it"
        )
    if not found and not waiting:
        raise MissingError(f"there is no stored log {told}", "the log's page links to it: raw")
    blobs = {f"_blobs/{path.parent.name}/{path.name}" for path in found} | set(waiting)
    runs = tuple(
        kept.key for kept in record.walk(config.site.output) if blobs & pending.blobs_of(kept)
    )

    def edit(kept: RunRecord, who: Who, why: str) -> RunRecord:
        return take_back_blobs(kept, blobs, who, why)

    return PurgePlan(f"stored log {min(blobs)}", runs, tuple(sorted(blobs)), edit=edit)


def plan_rule(config: Config, name: str, report: Report, *, store: bool) -> PurgePlan:
    """Mask again, by one rule of [redact], all that was stored before that rule was there.

    `store` writes the newly masked texts beside the old ones, where nothing leads to them yet.

    Raises:
        UsageError: [redact] has no such rule, so that what comes later would not be masked.
    """
    redactor = redactor_named(config.redact, name)
    remasked = mask_blobs(config.site.output, redactor, report, store=store)
    runs = []
    for done, kept in enumerate(record.walk(config.site.output), start=1):
        if mask_record(kept, redactor, remasked, config.site.output) != kept:
            runs.append(kept.key)
        report("records", done, 0)

    def edit(kept: RunRecord, _who: Who, _why: str) -> RunRecord:
        return mask_record(kept, redactor, remasked, config.site.output)

    return PurgePlan(
        f"what rule {name} masks",
        tuple(runs),
        tuple(sorted(remasked)),
        remasked=remasked,
        edit=edit,
    )


def take_back(config: Config, plan: PurgePlan, who: Who, why: str) -> None:
    """Say in the records what is taken back; pages, blobs and destination follow.

    Raises:
        BusyError: a build of this site is going on.
    """
    wanted = set(plan.runs)
    with writing(config, who) as manifest:
        known = {one.key: one for one in manifest.known_runs().values()}
        kept = [one for one in record.walk(config.site.output) if one.key in wanted]
        gone = set(plan.blobs)
        waits = [
            (blob, urls.run_dir(one.key)) for one in kept for blob in pending.blobs_of(one) & gone
        ]
        # Parts of a log that is masked again are made anew under their names.
        parts = [] if plan.remasked else list(_parts_of(config.site.output, kept, gone))
        _write_taken_back(config, {*read_taken_back(config), *plan.blobs, *parts})
        pending.add(config.state_dir, [*waits, *((blob, "") for blob in gone)])
        manifest.note_blobs(
            stored_file(config.site.output, one.blob) for one in plan.remasked.values() if one.blob
        )
        for one in kept:
            changed = plan.edit(one, who, why)
            old = known.get(one.key)
            if old is not None and changed != one:
                save(config, manifest, old, changed)
        told = {"what": PURGE, "of": plan.what, "why": why, "runs": len(plan.runs)}
        note(config, who, {**told, "blobs": list(plan.blobs)})


def _parts_of(site: Path, kept: Sequence[RunRecord], blobs: Collection[str]) -> Iterator[str]:
    """The pages that have these logs in parts: they hold their text, nothing takes their place."""
    for one in kept:
        for name, test in one.tests.items():
            for log in test.logs:
                if log.blob in blobs:
                    directory = (site / urls.log_part(one.key, name, log.name, 1)).parent
                    yield from (path.relative_to(site).as_posix() for path in directory.glob("*"))


def take_back_run(kept: RunRecord, who: Who, why: str) -> RunRecord:
    """The record with names, verdicts and counts alone."""
    summary = kept.summary
    if summary is None or summary.lets_go_of(PURGE):
        return kept
    reason = taken_back(who, why)
    summary = replace(
        summary,
        owner="",
        comment="",
        contour="",
        failures=(),
        gone=reason,
        let_go=(*summary.let_go, LetGo(PURGE, why, who.now, who.name)),
    )
    tests = {
        name: TestRecord(
            *name,
            test.verdict,
            test.toplevel,
            tuple(_emptied(log, reason) for log in test.logs),
            test.gone,
            attachments=tuple(_let_go(one, reason) for one in test.attachments),
        )
        for name, test in kept.tests.items()
    }
    emptied = replace(kept, tests=tests, facts=None, definitions={})
    return replace(emptied, sealed="", summary=summary, gone=reason)


def take_back_blobs(kept: RunRecord, blobs: Collection[str], who: Who, why: str) -> RunRecord:
    """The record without these stored logs and what was found in them."""
    summary = kept.summary
    if summary is None or not pending.blobs_of(kept) & set(blobs):
        return kept
    reason = taken_back(who, why)

    def without(test: TestRecord) -> TestRecord:
        return replace(
            test,
            logs=tuple(_emptied(log, reason) if log.blob in blobs else log for log in test.logs),
            attachments=tuple(
                _let_go(one, reason) if one.blob in blobs else one for one in test.attachments
            ),
        )

    tests = {name: without(test) for name, test in kept.tests.items()}
    touched = {name for name, test in tests.items() if test != kept.tests[name]}
    failures = tuple(
        replace(one, line="") if (one.testname, one.item_path) in touched else one
        for one in summary.failures
    )
    let_go = (*summary.let_go, LetGo(BLOB, why, who.now, who.name))
    return replace(kept, tests=tests, summary=replace(summary, failures=failures, let_go=let_go))


def taken_back(who: Who, why: str) -> str:
    """What stands in place of what was taken back."""
    by = f" by {who.name}" if who.name else ""
    return f"taken back on {day_of(who.now)}{by}: {why}"


def read_taken_back(config: Config) -> list[str]:
    """The blobs that are still to be deleted at the destination."""
    try:
        found = json.loads((config.state_dir / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return [str(path) for path in found]


def forget_taken_back(config: Config) -> None:
    """They are gone there."""
    _write_taken_back(config, set())


def _write_taken_back(config: Config, blobs: Collection[str]) -> None:
    content = json.dumps(sorted(blobs), indent=0)
    atomicfile.write_durable(config.state_dir / FILE, f"{content}\n".encode())


def _emptied(log: LogRecord, reason: str) -> LogRecord:
    """The log's name and why there is nothing more."""
    return LogRecord(log.name, log.kind, ended=reason) if log.name else log


def _let_go(one: Attachment, reason: str) -> Attachment:
    """An attachment's name and why there is nothing more."""
    return Attachment(one.name, one.kind, ended=reason) if one.name else one
