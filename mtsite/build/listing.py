"""What all areas hold, with one entry per run; databases that did not move are not asked again."""

import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mtsite import urls
from mtsite.build import digest
from mtsite.build.masked import masked_head
from mtsite.config import AreaConfig
from mtsite.errors import MtsiteError
from mtsite.logs.redact import Redactor
from mtsite.manifest import Manifest
from mtsite.megatest import database, merge
from mtsite.megatest.area import layout_now
from mtsite.megatest.configuration import CONFIG_NAME
from mtsite.megatest.linktree import AreaPlace
from mtsite.megatest.merge import AreaListing, AreaRuns
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
    known = _remembered(given, manifest)
    looked: dict[str, _Looked] = {}
    for one in chosen:
        before = known.get(one.name)
        looked[one.name] = before if before and _stands(before) else _look(one, environ)
    if looked != known:
        manifest.note_listing(given, pickle.dumps(looked))
    found = merge.join(chosen, [one.runs for one in looked.values()])
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


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found in an area, and its files of configuration as they were then."""

    runs: AreaRuns
    stamps: Mapping[Path, tuple[int, int]]


def _look(settings: AreaConfig, environ: Mapping[str, str]) -> _Looked:
    runs = merge.look_at(settings, environ)
    stamps = {path: _stamp(path) for path in _config_files(runs.listing)}
    return _Looked(replace(runs, listing=_without_environment(runs.listing)), stamps)


def _remembered(given: str, manifest: Manifest) -> dict[str, _Looked]:
    """What the last build found, area by area, if it looked at the same ones."""
    known, packed = manifest.listing()
    if known != given or not packed:
        return {}
    try:
        found: dict[str, _Looked] = pickle.loads(packed)
    except Exception:  # the pickle of another version: look again
        return {}
    return found


def _stands(looked: _Looked) -> bool:
    """Whether nothing that an area was listed from has moved since."""
    listing = looked.runs.listing
    area = listing.area
    if listing.error or area is None:
        return False
    try:
        return (
            all(_stamp(path) == stamp for path, stamp in looked.stamps.items())
            and layout_now(area) == area.layout
            and all(database.mark(seen.path) == seen for seen in listing.marks)
        )
    except (MtsiteError, AttributeError):  # a file that went, or the pickle of another version
        return False


def _without_environment(listing: AreaListing) -> AreaListing:
    """Whoever builds may have secrets in the environment: they are not for the disk."""
    if listing.area is None:
        return listing
    config = replace(listing.area.config, environment={})
    return replace(listing, area=replace(listing.area, config=config))


def _config_files(listing: AreaListing) -> set[Path]:
    """megatest.config of an area and every file that a value of it came from."""
    if listing.area is None:
        return set()
    config = listing.area.config
    files = {listing.area.path / CONFIG_NAME}
    for section, values in config.sections.items():
        files.update(place[0] for key in values for place in config.places(section, key))
    return files


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)
