"""The verb `reanalyse`: stored logs that an older rule set has judged are judged again.

    known runs → records → logs of an older rule set → their stored text → the record → its pages,
                                                                          at the next build

Reads nothing but `_record/` and `_blobs/`: text there is masked already, and run directories may be
gone. A run is marked in the manifest before its record changes, so that a kill loses no page.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mtsite.archive import pending, records
from mtsite.archive.records import Who
from mtsite.config import Config
from mtsite.logs.families import RuleSet
from mtsite.logs.take import judge_stored, place_of
from mtsite.manifest import RULES_KEY, KnownRun, Manifest
from mtsite.model import LogRecord, RunRecord, TestName, TestRecord


class Reanalysed(Struct):
    """What was done: logs looked at, those with other findings now, runs, and texts not here."""

    logs: int = 0
    changed: int = 0
    runs: int = 0
    missing: int = 0


def reanalyse(
    config: Config,
    rule_set: RuleSet,
    who: Who,
    *,
    dry_run: bool = False,
    report: Callable[[str, int, int], None],
) -> Reanalysed:
    """Judge stored logs with the rule set of today; pages are remade by the next build.

    Raises:
        BusyError: a build of this site is going on.
    """
    done = Reanalysed()
    with records.writing(config, who) as manifest:
        known = sorted(manifest.known_runs().items())
        for number, (_, old) in enumerate(known, start=1):
            report("runs", number, len(known))
            kept = records.load_record(config, old)
            if kept is not None:
                judged = _judged(config, kept, rule_set, done, dry_run=dry_run)
                if judged is not kept:
                    done.runs += 1
                    _save(config, manifest, old, judged)
        if not dry_run:
            manifest.put(RULES_KEY, rule_set.digest)
    return done


def _judged(
    config: Config, kept: RunRecord, rule_set: RuleSet, done: Reanalysed, *, dry_run: bool
) -> RunRecord:
    """The record with new findings; the very same object when nothing of it moved."""
    moved: dict[TestName, TestRecord] = {}
    for name, test in kept.tests.items():
        old = [log for log in test.logs if log.blob and log.rules != rule_set.digest]
        done.logs += len(old)
        if not old or dry_run:
            continue
        place = place_of(kept.key, name)
        logs = tuple(judge_stored(config.site.output, log, rule_set, place) for log in test.logs)
        done.missing += sum(log.rules != rule_set.digest for log in logs if log.blob)
        done.changed += sum(_differ(a, b) for a, b in zip(test.logs, logs, strict=True))
        if logs != test.logs:
            moved[name] = replace(test, logs=logs)
    return replace(kept, tests=_merged(kept.tests, moved)) if moved else kept


def _merged(
    tests: Mapping[TestName, TestRecord], moved: Mapping[TestName, TestRecord]
) -> dict[TestName, TestRecord]:
    return {name: moved.get(name, test) for name, test in tests.items()}


def _differ(before: LogRecord, after: LogRecord) -> bool:
    return replace(before, rules="") != replace(after, rules="")


def _save(config: Config, manifest: Manifest, old: KnownRun, kept: RunRecord) -> None:
    mark = "" if kept.gone else pending.LET_GO
    manifest.note_unmoved(replace(old, fingerprint=mark))
    manifest.commit()
    records.save(config, manifest, old, kept)
