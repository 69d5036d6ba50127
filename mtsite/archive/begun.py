"""Where runs of an area have gone, or are going: until a move is finished they go nowhere else.

A run whose move to a satellite died lies there and here. Another move would take what is left of
it to a third place, and the first, when finished at last, would make two runs of one. A run that
arrived, and that a late sync brought back, would be moved as if it were new. The area therefore
keeps a list of the archives elsewhere to which moves were begun: `.mtsite-moves.json`, on disk
before the first row is copied. One of them that can't be read stops other moves while some to it
are not settled, and is passed over afterwards.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import atomicfile, notes
from mtsite.archive.plan import MovePlan, PlannedMove
from mtsite.errors import BusyError, DestinationError, MtsiteError
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.area import COMPLETED_NAME, Area
from mtsite.megatest.database import reading
from mtsite.notes import Note

FILE = ".mtsite-moves.json"

_EARLY = frozenset({notes.COPIED, notes.VERIFIED, notes.LETTING_GO})
_SETTLED, _BEGUN = "settled", "begun"

RunName = tuple[tuple[str, ...], str]


class Elsewhere(Struct, frozen=True):
    """Runs, by target and runname, that are on their way to another archive, or lie there."""

    on_their_way: dict[RunName, Path] = field(default_factory=dict)
    arrived: dict[tuple[RunName, int, str], Path] = field(default_factory=dict)

    def why_not(self, run: RunActivity) -> tuple[str, str]:
        """The rule and the reason why a run of the live database goes nowhere; '' when it may."""
        if path := self.on_their_way.get(run.name):
            return "begun", told(path)
        if path := self.arrived.get((run.name, run.run_id, str(run.event_time))):
            return "twice", f"came back from {path.parent}: {_again(path)} lets it go again"
        return "", ""


def begin(area: Area, archives: Iterable[Path]) -> None:
    """Note, on disk when this returns, that runs are about to go to these archives.

    Raises:
        DestinationError: no room, or no right to write.
    """
    _store(area, _listed(area) | dict.fromkeys(map(os.path.realpath, archives), _BEGUN))


def end(area: Area) -> None:
    """Note to which archives no run is on its way any more; the caller holds the area."""
    # One that can't be read or written now stays as it is, and is looked at again every time.
    with suppress(BusyError, DestinationError):
        known = _listed(area)
        begun = [path for path, state in known.items() if state == _BEGUN]
        ended = [path for path in begun if not any(map(_is_early, _notes(area, Path(path))))]
        if ended:
            _store(area, known | dict.fromkeys(ended, _SETTLED))


def elsewhere(area: Area, archive: Path) -> Elsewhere:
    """The runs of an area that are in another archive than this one, or on their way there.

    Raises:
        BusyError: moves were begun to an archive that can't be read now.
    """
    listed = _listed(area)
    own = os.path.realpath(area.path / COMPLETED_NAME)
    if Path(own).exists():
        listed[own] = _BEGUN
    found = Elsewhere()
    for path in listed.keys() - {os.path.realpath(archive)}:
        try:
            known = _notes(area, Path(path))
        except BusyError:
            if listed[path] == _BEGUN:
                raise
            continue
        for note in known:
            name = (note.birth_target, note.birth_runname)
            if _is_early(note):
                found.on_their_way[name] = Path(path)
            elif path != own and note.state == notes.SETTLED and note.birth_area == area.name:
                born = (name, note.birth_run_id, str(note.event_time))
                found.arrived[born] = Path(path)
    return found


def told(path: Path) -> str:
    """Why a run stays that is on its way to this archive."""
    return f"its move to {path.parent} was begun: {_again(path)} finishes it"


def without_begun(plan: MovePlan, area: Area, archive: Path, destination: str = "") -> MovePlan:
    """The same plan; runs for this destination that are, or will be, in another one stay."""

    def judged(one: PlannedMove) -> PlannedMove:
        if not one.moves or one.destination != destination:
            return one
        rule, reason = known.why_not(one.run)
        return replace(one, moves=False, rule=rule, reason=reason, destination="") if rule else one

    if not any(one.destination == destination for one in plan.leaving):
        return plan
    known = elsewhere(area, archive)
    return MovePlan(tuple(map(judged, plan.moves)))


def _again(path: Path) -> str:
    if path.name == COMPLETED_NAME:
        return "mtsite reduce"
    return f"mtsite migrate --destination {path.parent}"


def _is_early(note: Note) -> bool:
    return note.state in _EARLY


def _notes(area: Area, archive: Path) -> list[Note]:
    """Of the runs that came from this area's databases."""
    places = {os.path.realpath(path) for path in (area.live, area.path / COMPLETED_NAME)}
    try:
        with reading(archive) as connection:
            found = notes.read(connection)
    except MtsiteError as error:
        raise BusyError(
            f"area {area.name}: moves to {archive} were begun, and it can't be read:"
            f" {error.message}",
            f"make it readable; if it is gone for good, remove {area.path / FILE}",
        ) from error
    return [note for note in found if os.path.realpath(note.source) in places]


def _listed(area: Area) -> dict[str, str]:
    try:
        found = json.loads((area.path / FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        found = error
    if isinstance(found, dict):
        return {str(path): str(state) for path, state in found.items()}
    raise BusyError(
        f"area {area.name}: {area.path / FILE} is no list of archives",
        "finish the moves of this area with mtsite migrate, then remove that file",
    )


def _store(area: Area, archives: dict[str, str]) -> None:
    content = json.dumps(archives, indent=0, sort_keys=True)
    path = area.path / FILE
    try:
        atomicfile.write_durable(path, f"{content}\n".encode())
    except OSError as error:
        raise DestinationError(
            f"{path} can't be written: {error.strerror or error}; no run was lost",
            f"see `df {area.path}` and the rights of that directory, then run again",
        ) from error
