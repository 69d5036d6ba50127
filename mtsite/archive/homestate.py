"""What `homehost show` tells: the homehost, signs of work, and the caches of the area here."""

from msgspec import Struct, to_builtins

from mtsite.archive.handover import find_handover
from mtsite.archive.homecaches import caches_at
from mtsite.archive.homehost import HomehostJob
from mtsite.config import AreaConfig
from mtsite.megatest.area import open_area
from mtsite.megatest.homehost import Sign, live_caches, signs_of_work, told_by


class SeenCache(Struct, frozen=True):
    """A live database here: `only_there` counts rows that megatest.db lacks, by table."""

    path: str
    owner: str
    only_there: dict[str, int]


class HomehostState(Struct, frozen=True):
    """The homehost of an area as it is now; `told_by` is the file (and line) that says so."""

    area: str
    homehost: str
    told_by: str
    is_here: bool
    signs: tuple[Sign, ...]
    caches: tuple[SeenCache, ...]
    handover: str

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return {**to_builtins(self), "quiet": not self.signs}


def look_at_homehost(settings: AreaConfig, job: HomehostJob) -> HomehostState:
    """Look at an area and at /tmp of the host that this runs on; changes nothing.

    Raises:
        AreaBusyError, AreaUnreadableError: a database can't be read.
        MissingError, ConfigError: as `open_area`.
    """
    area = open_area(settings, job.environ, tmp=job.tmp)
    found = find_handover(area.path)
    return HomehostState(
        area=area.name,
        homehost=area.homehost,
        told_by=told_by(area),
        is_here=not area.homehost or job.here.is_named(area.homehost),
        signs=signs_of_work(area, live_caches(area, job.tmp), job.terms),
        caches=tuple(
            SeenCache(str(one.source), one.owner, one.only_there(area.live))
            for one in caches_at(area, job.tmp, job.tmp)
        ),
        handover=found.told if found is not None else "",
    )
