"""What all areas hold, with one entry per run; databases that did not move are not asked again."""

import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mtsite import urls
from mtsite.build import digest
from mtsite.build.masked import masked_head
from mtsite.build.read import AreaPlace
from mtsite.config import AreaConfig
from mtsite.logs.redact import Redactor
from mtsite.manifest import Manifest
from mtsite.megatest import database, merge
from mtsite.megatest.area import find_databases
from mtsite.megatest.configuration import CONFIG_NAME
from mtsite.megatest.merge import AreaListing
from mtsite.megatest.reader import RunHead

LONGEST_GAP = 30 * 86_400


@dataclass(frozen=True, slots=True)
class SiteListing:
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
    given = digest.of(repr(chosen), sorted(environ.items()))
    found = _remembered(given, manifest)
    if found is None:
        found = merge.list_areas(chosen, environ)
        stamps = {path: _stamp(path) for one in found for path in _config_files(one)}
        kept = [_without_environment(one) for one in found]
        manifest.note_listing(given, pickle.dumps((kept, stamps)))
    heads = {urls.run_dir(head.key): head for listing in found for head in listing.heads}
    moved = {name: masked_head(head, redactor) for name, head in heads.items() if head.moved_to}
    heads |= moved
    return SiteListing(
        heads=heads,
        listings={listing.name: listing for listing in found},
        places={listing.name: _place(listing) for listing in found if listing.area is not None},
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


def _remembered(given: str, manifest: Manifest) -> list[AreaListing] | None:
    """The listing of the last build, if nothing that it was made from has moved since."""
    known, packed = manifest.listing()
    if known != given or not packed:
        return None
    try:
        found: list[AreaListing]
        stamps: dict[Path, tuple[int, int]]
        found, stamps = pickle.loads(packed)
        stands = all(_stamp(path) == stamp for path, stamp in stamps.items())
        return found if stands and all(_stands(listing) for listing in found) else None
    except Exception:  # the pickle of another version, or a file that went: look again
        return None


def _without_environment(listing: AreaListing) -> AreaListing:
    """Whoever builds may have secrets in the environment: they are not for the disk."""
    if listing.area is None:
        return listing
    config = replace(listing.area.config, environment={}, asked={})
    return replace(listing, area=replace(listing.area, config=config))


def _config_files(listing: AreaListing) -> set[Path]:
    """megatest.config of an area and every file that it includes, or would if it were there."""
    if listing.area is None:
        return set()
    config = listing.area.config
    return {listing.area.path / CONFIG_NAME, *config.included}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


def _stands(listing: AreaListing) -> bool:
    area = listing.area
    if listing.error or area is None or find_databases(area.path, area.testsuite) != area.databases:
        return False
    return all(database.mark(seen.path) == seen for seen in listing.marks)


def _place(listing: AreaListing) -> AreaPlace:
    area = listing.area
    assert area is not None
    return AreaPlace(
        path=Path(area.path),
        linktree=area.linktree,
        disks=area.disks,
        path_map=area.settings.path_map,
    )
