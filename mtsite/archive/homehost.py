"""The verbs `homehost move` and `homehost hand-over`: the live databases of an area change hosts.

What lives in /tmp alone (archive blocks, load samples, statistics of runs) goes along: each cache
is copied whole and compared row by row before `.homehost` says that it moved. Nothing is deleted
where it came from, and what lay in its place is set aside. Called again after a death it finishes.

    quiet? → copy beside → compare → still quiet? → set aside, put in place → .homehost
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import atomicfile
from mtsite.archive.handover import (
    Handover,
    clear_handover,
    find_handover,
    next_directory,
    write_handover,
)
from mtsite.archive.homecaches import Carried, caches_at, new_cache, unseen_users
from mtsite.archive.route import Checkpoint, archive_errors, ignore
from mtsite.arealock import hold_areas
from mtsite.config import AreaConfig
from mtsite.errors import (
    BusyError,
    DestinationError,
    MissingError,
    NotQuietError,
    UsageError,
    VerificationError,
)
from mtsite.megatest.area import TMP, Area, open_area
from mtsite.megatest.completed import flush_directory
from mtsite.megatest.configuration import CONFIG_NAME, HOMEHOST_NAME
from mtsite.megatest.database import DatabaseMark, mark
from mtsite.megatest.homehost import Host, Sign, Terms, live_caches, signs_of_work, told_by
from mtsite.megatest.movable import check_movable
from mtsite.megatest.whole import copy_whole, rows_only_in

COMMAND = "mtsite homehost"
SIGNS_SHOWN = 10


class HomehostJob(Struct, frozen=True):
    """One call: `here` is the host that it runs on, `old_tmp` where /tmp of the old one is seen.

    `without_old_cache` gives up what only the old host's /tmp holds.
    """

    here: Host
    terms: Terms
    state_dir: Path
    old_tmp: Path | None = None
    without_old_cache: bool = False
    dry_run: bool = False
    checkpoint: Checkpoint = ignore
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    tmp: Path = TMP


class HomehostPlan(Struct, frozen=True):
    """What is done, or would be: `carried` caches, each to its place, and the entry in .homehost.

    `origin` says where the caches come from; `left` are those of others that hold nothing of
    their own, `unseen` users whose part of /tmp may not be looked into, `aside` what lay in a
    place. `entry` is '' where .homehost stays as it is; `left_alone` says why nothing was done.
    """

    area: str
    homehost: str
    entry: str = ""
    origin: str = ""
    carried: tuple[Carried, ...] = ()
    left: tuple[Path, ...] = ()
    unseen: tuple[str, ...] = ()
    aside: tuple[Path, ...] = ()
    left_alone: str = ""

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "area": self.area,
            "homehost": self.homehost,
            "entry": self.entry,
            "origin": self.origin,
            "left_alone": self.left_alone,
            "carried": [
                {"owner": one.owner, "from": str(one.source), "to": str(one.place)}
                for one in self.carried
            ],
            "left": list(map(str, self.left)),
            "unseen": list(self.unseen),
            "aside": list(map(str, self.aside)),
        }


def move_homehost(settings: AreaConfig, job: HomehostJob) -> HomehostPlan:
    """Make the host that this runs on the homehost of an area.

    Raises:
        BusyError: the area is not quiet, or what the old host's /tmp holds can't be had.
        UsageError: megatest.config itself names the homehost, or the area has no caches.
        VerificationError: a copy is not what it was copied from; nothing was changed.
        DestinationError: /tmp or the area can't be written.
    """
    area = open_area(settings, job.environ, tmp=job.tmp)
    check_has_homehost(area)
    if job.dry_run:
        return _plan(area, job)
    with hold_areas([area.path], job.state_dir, f"{COMMAND} move"):
        plan = _plan(area, job)
        before = _marks(area, plan.carried)
        for one in plan.carried:
            _draft(one, job)
        _check_untouched(area, plan.carried, before, job.terms)
        with _written(job.tmp):
            aside = tuple(filter(None, [_put_in_place(one, job) for one in plan.carried]))
        if plan.entry:
            with _written(area.path):
                atomicfile.write_durable(area.path / HOMEHOST_NAME, f"{plan.entry}\n".encode())
            job.checkpoint("entry written")
        _clear(area, plan, job)
    return replace(plan, aside=aside)


def hand_over(settings: AreaConfig, job: HomehostJob) -> HomehostPlan:
    """Copy the caches of this host, the homehost, into the area, for the next homehost to take.

    Raises:
        BusyError: this is not the homehost, the area is not quiet, or a cache may not be read.
        MissingError: there is no cache of the area on this host.
        UsageError, VerificationError, DestinationError: as `move_homehost`.
    """
    area = open_area(settings, job.environ, tmp=job.tmp)
    check_has_homehost(area)
    if area.homehost and not job.here.is_named(area.homehost):
        raise BusyError(
            f"area {area.name}: its homehost is {area.homehost}, this is {job.here.name}",
            f"run it on {area.homehost}",
        )
    check_quiet(area, live_caches(area, job.tmp), job.terms)
    caches = caches_at(area, job.tmp, job.tmp)
    if not caches:
        raise MissingError(
            f"area {area.name}: no live database of it in {job.tmp}: nothing to hand over",
            f"mtsite homehost move {area.name} --without-old-cache, on the next homehost",
        )
    _check_readable(area, caches)
    plan = HomehostPlan(
        area.name, area.homehost, origin=str(job.tmp), carried=caches, unseen=unseen_users(job.tmp)
    )
    if not job.dry_run:
        with hold_areas([area.path], job.state_dir, f"{COMMAND} hand-over"):
            _hand_over(area, caches, job)
    return plan


def check_has_homehost(area: Area) -> None:
    """Make sure that an area is one that has a homehost, which a file .homehost decides.

    Raises:
        UsageError: its generation knows none, or megatest.config overrides the file.
    """
    if area.generation.name != "G4":
        raise UsageError(
            f"area {area.name}: generation {area.generation.name} has no live database in /tmp",
            "there is nothing to move",
        )
    check_movable(area)
    told = told_by(area)
    if told and not told.endswith(HOMEHOST_NAME):
        raise UsageError(
            f"{told}: [server] homehost = {area.homehost} overrides {HOMEHOST_NAME}",
            f"delete that line of {CONFIG_NAME}, then run it again",
        )


def check_quiet(area: Area, caches: tuple[Path, ...], terms: Terms) -> None:
    """Make sure that nobody works in an area.

    Raises:
        NotQuietError: somebody does; tests and runs that say so are named.
    """
    if signs := signs_of_work(area, caches, terms):
        raise NotQuietError(
            f"area {area.name} is not quiet:\n" + "\n".join(in_words(signs)),
            f"mtsite homehost show {area.name} tells all of it; run it again when they have ended",
        )


def in_words(signs: tuple[Sign, ...], shown: int = SIGNS_SHOWN) -> list[str]:
    """The first signs, a line each, and how many there are more."""
    lines = [f"{sign.kind} {sign.name} {sign.told}" for sign in signs[:shown]]
    more = len(signs) - shown
    return [*lines, f"and {more} more"] if more > 0 else lines


def _plan(area: Area, job: HomehostJob) -> HomehostPlan:
    is_here = not area.homehost or job.here.is_named(area.homehost)
    caches_here = live_caches(area, job.tmp) if is_here else ()
    check_quiet(area, caches_here, job.terms)
    entry = "" if is_here and area.homehost else job.here.address
    plan = HomehostPlan(area.name, area.homehost, entry)
    found = find_handover(area.path)
    if found is not None and not caches_here:
        _check_still_true(area, found)
        caches, origin = found.carried(job.tmp), f"the hand-over of {found.told}"
    elif is_here:
        return plan
    else:
        caches, origin = _caches_of_old_host(area, job)
    carried = tuple(one for one in caches if one.may_be_written)
    left = tuple(one for one in caches if not one.may_be_written)
    _check_nothing_in(area, left)
    unseen = unseen_users(job.old_tmp) if job.old_tmp is not None else ()
    return replace(
        plan,
        origin=origin,
        carried=carried or (new_cache(area, job.tmp),),
        left=tuple(one.source for one in left),
        unseen=unseen,
    )


def _caches_of_old_host(area: Area, job: HomehostJob) -> tuple[tuple[Carried, ...], str]:
    if job.old_tmp is not None:
        check_quiet(area, live_caches(area, job.old_tmp), job.terms)
        if caches := caches_at(area, job.old_tmp, job.tmp):
            _check_readable(area, caches)
            return caches, str(job.old_tmp)
    if job.without_old_cache:
        return (new_cache(area, job.tmp),), str(area.live)
    where = f" (nothing of it is below {job.old_tmp})" if job.old_tmp is not None else ""
    raise BusyError(
        f"area {area.name}: the live database in /tmp of {area.homehost} can't be read from"
        f" here{where}: it may be newer than {area.live}, and has tables that no sync brings there",
        f"run `{COMMAND} hand-over {area.name}` on {area.homehost}, then this again;"
        " or name its /tmp with --old-tmp; if that host is gone for good: --without-old-cache",
    )


def _check_readable(area: Area, caches: Iterable[Carried]) -> None:
    for one in caches:
        for path in one.files.values():
            if not os.access(path, os.R_OK):
                raise BusyError(
                    f"area {area.name}: {path} belongs to {one.owner} and may not be read",
                    f"run it as {one.owner}, or as root",
                )


def _check_nothing_in(area: Area, left: Iterable[Carried]) -> None:
    """Make sure that caches of others, which can't be made here, hold nothing of their own."""
    for one in left:
        if only := one.only_there(area.live):
            raise BusyError(
                f"area {area.name}: {one.source} belongs to {one.owner} and holds rows that"
                f" {area.live} lacks: {_counts(only)}",
                f"run it as {one.owner}, or as root",
            )


def _check_still_true(area: Area, found: Handover) -> None:
    now = mark(area.live)
    server = max((p.stat().st_mtime for p in area.path.glob("logs/server-*.log")), default=0)
    same = (now.change_counter, now.size) == (found.change_counter, found.size)
    if not same or server > found.written:
        raise BusyError(
            f"area {area.name} was worked in since the hand-over of {found.told}",
            f"run `{COMMAND} hand-over {area.name}` on {found.host} again, then this",
        )


def _marks(area: Area, caches: Iterable[Carried]) -> list[DatabaseMark]:
    paths = [area.live, *(path for one in caches for path in one.files.values())]
    return [mark(path) for path in paths]


def _check_untouched(
    area: Area, caches: tuple[Carried, ...], before: list[DatabaseMark], terms: Terms
) -> None:
    if _marks(area, caches) != before:
        raise BusyError(
            f"area {area.name}: a database of it was written meanwhile; nothing was changed",
            "run it again when nobody works there",
        )
    check_quiet(area, (), terms)


def _hand_over(area: Area, caches: tuple[Carried, ...], job: HomehostJob) -> None:
    before = _marks(area, caches)
    with _written(area.path):
        directory = next_directory(area.path)
    told = []
    for number, one in enumerate(caches):
        with _written(directory):
            (directory / str(number)).mkdir()
        for name, source in one.files.items():
            _copy(source, directory / str(number) / name, job.checkpoint)
        told.append(one.document(str(number)))
    _check_untouched(area, caches, before, job.terms)
    live = before[0]
    with _written(area.path):
        write_handover(
            area.path,
            Handover(
                *(job.here.name, job.terms.now, live.change_counter, live.size),
                tuple(told),
                directory,
            ),
        )
    job.checkpoint("handed over")


def _draft(one: Carried, job: HomehostJob) -> None:
    """A copy beside its place; what an earlier call left there is thrown away."""
    with _written(one.draft.parent):
        shutil.rmtree(one.draft, ignore_errors=True)
        one.make_draft(job.tmp)
    for name, source in one.files.items():
        _copy(source, one.draft / name, job.checkpoint)
    with _written(one.draft):
        one.finish_draft()
    job.checkpoint("draft finished")


def _copy(source: Path, copy: Path, checkpoint: Callable[[str], None]) -> None:
    with archive_errors(copy):
        copy_whole(source, copy)
    checkpoint(f"copied {copy.name}")
    other = {**rows_only_in(source, copy), **rows_only_in(copy, source)}
    if other:
        raise VerificationError(
            f"{copy} is not what {source} is: {_counts(other)} differ",
            "nothing was changed; run it again when nobody works there",
        )


def _put_in_place(one: Carried, job: HomehostJob) -> Path | None:
    """Rename the draft to its place; where what lay there went, None when nothing did."""
    aside = None
    if one.place.exists():
        if one.equals_place():
            shutil.rmtree(one.draft)
            return None
        aside = next(path for path in one.asides() if not path.exists())
        one.place.rename(aside)
        job.checkpoint("set aside")
    one.draft.rename(one.place)
    flush_directory(one.place.parent)
    job.checkpoint("in place")
    return aside


def _clear(area: Area, plan: HomehostPlan, job: HomehostJob) -> None:
    """Delete the hand-over that was taken, now or before a death; never one that waits."""
    found = find_handover(area.path)
    if found is not None and (plan.carried or found.host != job.here.name):
        clear_handover(area.path)
        job.checkpoint("hand-over cleared")


def _counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{number} of {table}" for table, number in sorted(rows.items()))


@contextmanager
def _written(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DestinationError(
            f"{error.filename or place} can't be written: {error.strerror or error};"
            " .homehost is as it was",
            f"see `ls -ld {place}` and `df {place}`, then run it again",
        ) from error
