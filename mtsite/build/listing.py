"""What all areas hold, with one entry per run; databases that did not move are not asked again.

The configuration of an area is read by each build: its values may hang on files, on the
environment, or on whatever a command looks at. What it says is compared, not what it read, so a
variable that no value hangs on (a service manager's number of this call) lists nothing anew.
"""

import dataclasses
import pickle
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import urls
from mtsite.build import digest
from mtsite.build.masked import masked_head
from mtsite.config import AreaConfig
from mtsite.errors import MtsiteError
from mtsite.logs.redact import Redactor
from mtsite.manifest import Manifest
from mtsite.megatest import database, merge
from mtsite.megatest.area import Area, layout_now
from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.configuration import read_configuration, testsuite_name
from mtsite.megatest.linktree import AreaPlace
from mtsite.megatest.merge import AreaListing, AreaRuns
from mtsite.megatest.reader import RunHead

LONGEST_GAP = 30 * 86_400


class SiteListing(Struct, frozen=True):
    """All runs by directory, and the areas that they come from.

    `now` is the newest time that the rows know: the build has no other clock. `unreadable` maps
    areas to the reason; their runs are left as they are.
    """

    heads: Mapping[str, RunHead]
    listings: Mapping[str, AreaListing]
    places: Mapping[str, AreaPlace]
    now: int
    unreadable: Mapping[str, str] = field(default_factory=dict)


def list_site(
    settings: Iterable[AreaConfig],
    environ: Mapping[str, str],
    manifest: Manifest,
    redactor: Redactor,
) -> SiteListing:
    """The runs of all areas, each once; an unreadable area never stops the rest.

    What a moved run's row says is masked by `redactor`: it goes on a page as it is.
    """
    chosen = list(settings)
    given = digest.of(repr(chosen))
    known = _remembered(given, manifest)
    looked: dict[str, AreaRuns] = {}
    for one in chosen:
        before = known.get(one.name)
        stands = before is not None and _stands(before, one, environ)
        looked[one.name] = before if before is not None and stands else _look(one, environ)
    if looked != known:
        manifest.note_listing(given, pickle.dumps(looked))
    found = merge.join(chosen, list(looked.values()))
    heads = {urls.run_dir(head.key): head for listing in found for head in listing.heads}
    moved = {name: masked_head(head, redactor) for name, head in heads.items() if head.moved_to}
    heads |= moved
    return SiteListing(
        heads=heads,
        listings={listing.name: listing for listing in found},
        places={one.name: one.area.place for one in found if one.area is not None},
        now=newest_time(heads.values()),
        unreadable={listing.name: listing.error for listing in found if listing.error},
    )


def newest_time(heads: Iterable[RunHead]) -> int:
    """The newest sign of life that the rows know: what stands in for a clock.

    One run alone can't turn it forward by more than a month: a host whose clock is wrong would
    make every running test look dead and every run settled.
    """
    times = sorted(max(head.activity_time, head.newest_update) for head in heads)
    if len(times) < 2:
        return times[0] if times else 0
    return min(times[-1], times[-2] + LONGEST_GAP)


def _look(settings: AreaConfig, environ: Mapping[str, str]) -> AreaRuns:
    runs = merge.look_at(settings, environ)
    area = runs.listing.area
    if area is None:
        return runs
    said = replace(area, config=_without_environment(area.config))
    return replace(runs, listing=replace(runs.listing, area=said))


def _remembered(given: str, manifest: Manifest) -> dict[str, AreaRuns]:
    """What the last build found, area by area, if it looked at the same ones."""
    known, packed = manifest.listing()
    if known != given or not packed:
        return {}
    try:
        found: dict[str, AreaRuns] = pickle.loads(packed)
    except Exception:  # the pickle of another version: look again
        return {}
    return found


def _stands(runs: AreaRuns, settings: AreaConfig, environ: Mapping[str, str]) -> bool:
    """Whether the area's configuration says the same, and no database has moved since."""
    try:
        listing = runs.listing
        area = listing.area
        if listing.error or area is None:
            return False
        return (
            _says_the_same(area, settings, environ)
            and layout_now(area) == area.layout
            and all(database.mark(seen.path) == seen for seen in listing.marks)
        )
    except (MtsiteError, AttributeError):  # a file that went, or the pickle of another version
        return False


def _says_the_same(area: Area, settings: AreaConfig, environ: Mapping[str, str]) -> bool:
    now = read_configuration(settings, environ)
    name = testsuite_name(settings, now.config, environ)
    config = _without_environment(now.config)
    return (area.config, area.linktree, area.dbdir, area.disks, area.homehost, area.testsuite) == (
        *(config, now.linktree, now.dbdir, now.disks, now.homehost, name),
    )


def _without_environment(config: ConfigFile) -> ConfigFile:
    """Whoever builds may have secrets in the environment: they are not for the disk."""
    return dataclasses.replace(config, environment={}, asked={})
