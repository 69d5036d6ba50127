"""Which runs must be looked at again; pure.

known runs + runs found → read (with the reason), gone, and targets that lose a run
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import urls
from mtsite.build.nodes import Target
from mtsite.manifest import KnownRun
from mtsite.megatest.reader import GONE, RunHead
from mtsite.model import RunKey

RACY_SECONDS = 2
"""A row changed this shortly before a look may change again with the same time stamp."""

RACY = "?"
NO_ROWS = "its rows are in none of the databases any more"
NO_NAMES: Mapping[str, str] = {}
_RENAMED = "its area is called "


class BuildPlan(Struct, frozen=True):
    """Run directory → why: runs to read, runs whose rows are no more, runs that were re-homed.

    `renamed`: runs that were published under a former name of their area → its name now.
    """

    read: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    rehomed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


def plan_build(
    known: Mapping[str, KnownRun],
    heads: Mapping[str, RunHead],
    unreadable: frozenset[str],
    *,
    all_pages: bool,
    names_now: Mapping[str, str] = NO_NAMES,
) -> BuildPlan:
    """What a build has to do. Runs whose rows lie in an `unreadable` area stay as they are.

    `lost` are the runs that had rows at the last build and have none now. `names_now` are the
    names of areas that were called otherwise before.
    """
    plan = BuildPlan()
    for run_dir, head in heads.items():
        old = known.get(run_dir)
        reason = gone_reason(head, old)
        if reason:
            if old is not None or reason != GONE:
                _plan_gone(plan, run_dir, old, reason, all_pages)
            continue
        why = _read_reason(old, head, all_pages)
        if why:
            plan.read[run_dir] = why
        elif old is not None and old.home != head.home:
            plan.rehomed.append(run_dir)
    for run_dir, old in known.items():
        if run_dir in heads or names_now.get(old.home, old.home) in unreadable:
            continue
        name = names_now.get(old.key.area, "")
        now = urls.run_dir(replace(old.key, area=name)) if name else ""
        if now in heads or now in known:
            if all_pages or not old.fingerprint or old.gone != renamed_reason(old.key.area, name):
                plan.renamed[run_dir] = name
            continue
        was_led = old.gone.startswith(_RENAMED)
        reason = NO_ROWS if was_led else old.gone or NO_ROWS
        _plan_gone(plan, run_dir, old, reason, all_pages)
    _add_neighbours(plan, known, heads)
    return plan


def only_areas(
    plan: BuildPlan,
    known: Mapping[str, KnownRun],
    heads: Mapping[str, RunHead],
    areas: Sequence[str],
) -> BuildPlan:
    """What of a plan is about runs that were born in these areas, or lie there."""

    def wanted(run_dir: str) -> bool:
        head, old = heads.get(run_dir), known.get(run_dir)
        places = {head.key.area, head.home} if head is not None else set()
        places |= {old.key.area, old.home} if old is not None else set()
        return not places.isdisjoint(areas)

    return BuildPlan(
        read={run_dir: why for run_dir, why in plan.read.items() if wanted(run_dir)},
        gone={run_dir: why for run_dir, why in plan.gone.items() if wanted(run_dir)},
        rehomed=[run_dir for run_dir in plan.rehomed if wanted(run_dir)],
        lost=[run_dir for run_dir in plan.lost if wanted(run_dir)],
        renamed=plan.renamed,
    )


def renamed_reason(area: str, name: str) -> str:
    """What the record of a run says whose area has another name now."""
    return f"{_RENAMED}{name} now, and was {area}"


def due_again(plan: BuildPlan) -> set[str]:
    """Runs that the next build would not find by itself if this one left them out."""
    by_itself = {"new", "back", "not sealed", "rows moved"}
    return {run_dir for run_dir, why in plan.read.items() if why not in by_itself} | set(plan.gone)


def place_of(head: RunHead) -> int:
    """Where a run stands among those of its target: its event_time."""
    return head.event_time or 0


def known_fingerprint(head: RunHead, looked_at: float, *, as_listed: bool = True) -> str:
    """What to remember of a run that was read at that time: unsure where rows are that fresh.

    Unsure, too, where it was not read `as_listed`: a run on its way to an archive loses rows here,
    and has its fingerprint again there.
    """
    fresh = head.newest_update >= looked_at - RACY_SECONDS
    if not head.fingerprint or fresh or not as_listed:
        return RACY + head.fingerprint
    return head.fingerprint


def _read_reason(old: KnownRun | None, head: RunHead, all_pages: bool) -> str:
    if old is None:
        return "new"
    if old.gone:
        return "back"
    if all_pages:
        return "recipe"
    if not old.fingerprint:
        return "unfinished"
    if not old.sealed:
        return "not sealed"
    return "" if old.fingerprint == head.fingerprint else "rows moved"


def gone_reason(head: RunHead, old: KnownRun | None = None) -> str:
    """'' or why a run has no pages: they were let go although its rows, or a mark, are there."""
    if old is not None and not {"pages", "purge"}.isdisjoint(old.let_go):
        marked = bool(head.gone or head.moved_to)
        if marked or place_of(head) == old.place:
            return old.gone
    return head.gone or head.moved_to


def _plan_gone(
    plan: BuildPlan, run_dir: str, old: KnownRun | None, reason: str, all_pages: bool
) -> None:
    if old is not None and not old.gone:
        plan.lost.append(run_dir)
    if old is None or not old.gone or not old.fingerprint or all_pages or old.gone != reason:
        plan.gone[run_dir] = reason


def _add_neighbours(
    plan: BuildPlan, known: Mapping[str, KnownRun], heads: Mapping[str, RunHead]
) -> None:
    """A run page names the next run: where that is another one now, the page must be made again."""
    # A run that was let go, and whose small page is still to be made, has its old page till then.
    shown = {d: old for d, old in known.items() if not old.gone or not old.fingerprint}
    before = _next_runs([(old.key, old.place, d) for d, old in shown.items()])
    after = _next_runs(
        [
            (head.key, place_of(head), d)
            for d, head in heads.items()
            if not gone_reason(head, known.get(d))
        ]
    )
    for run_dir, following in after.items():
        if run_dir in known and run_dir not in plan.read and before.get(run_dir) != following:
            plan.read[run_dir] = "next run"


def _next_runs(runs: list[tuple[RunKey, int, str]]) -> dict[str, str]:
    by_target: dict[Target, list[tuple[int, str, str]]] = {}
    for key, place, run_dir in runs:
        by_target.setdefault((key.area, key.target), []).append((place, key.runname, run_dir))
    following: dict[str, str] = {}
    for order in by_target.values():
        order.sort()
        following.update((a[2], b[2]) for a, b in pairwise(order))
        following[order[-1][2]] = ""
    return following
