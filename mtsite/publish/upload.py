"""The verb: bring a destination in line with the tree, in few requests, never broken."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mtsite import lock, manifest, urls
from mtsite.config import Config
from mtsite.errors import BusyError, MissingError, MtsiteError, UsageError
from mtsite.publish.destination import Destination, open_destination
from mtsite.publish.dryrun import DryRun
from mtsite.publish.keeplocal import LetGo, let_go
from mtsite.publish.ledger import Ledger, ledger_file
from mtsite.publish.publisher import Publisher, Terms, ignore
from mtsite.publish.restore import refuse_unfetched
from mtsite.publish.send import Report, Sender
from mtsite.publish.summary import PublishSummary


def publish_site(
    config: Config,
    *,
    now: float,
    dry_run: bool = False,
    report: Report | None = None,
    dropped_areas: Sequence[str] = (),
    audit: bool = False,
    at_once: Iterable[str] = (),
) -> PublishSummary:
    """Publish the tree of a site to `config.publish.destination`; `now` is Unix time.

    `audit` compares everything by listing, and puts again what is missing or damaged. `at_once` are
    paths whose objects wait for no grace time. Nothing new costs one request. Killed anywhere, it
    can be run again and sends nothing twice.

    Raises:
        MissingError: nothing was built.
        BusyError: another publish runs here, or others kept winning at the destination.
        DestinationError: the destination refused; the published generation stays whole.
        PartlyDoneError: files are not what the build wrote, or it lacked what lies there.
    """
    settings = config.publish
    _refuse_unbuilt(config)
    areas = tuple(urls.segment(name) for name in dropped_areas)
    grace, most = settings.grace, settings.max_deletes
    terms = Terms(int(now), grace, areas, most, audit, frozenset(at_once))
    path = ledger_file(config.state_dir, settings.destination, settings.endpoint_url)
    with (
        lock.hold(config.state_dir, "publish", "mtsite publish"),
        _opened(config, dry_run=dry_run) as destination,
        _state(path, keep=not dry_run) as ledger,
        manifest.Manifest.open(config.state_dir) as built,
    ):
        sender = Sender(config.site.output, destination, ledger, settings.threads)
        publisher = Publisher(built, sender, destination, ledger)
        work = publisher.predict if dry_run else publisher.publish
        summary = work(terms, report or ignore)
        summary.address = site_address(config, destination)
        if not dry_run:
            summary.let_go = _let_go(config, built, ledger, now)
        return summary


def publish_pulse(config: Config) -> int:
    """Publish only the volatile files that changed, outside the generations; how many.

    Raises:
        BusyError: a publish of this site is going on.
        DestinationError: the destination refused.
    """
    settings = config.publish
    path = ledger_file(config.state_dir, settings.destination, settings.endpoint_url)
    with (
        lock.hold(config.state_dir, "publish", "mtsite publish"),
        _opened(config, dry_run=False) as destination,
        _state(path, keep=True) as ledger,
    ):
        sender = Sender(config.site.output, destination, ledger, settings.threads)
        ledger.enter(destination.epoch)
        return sender.send_volatile(sender.changed_volatile()).files


def _let_go(config: Config, built: manifest.Manifest, ledger: Ledger, now: float) -> LetGo:
    """Let pages leave this disk that are safe at the destination of mtsite.toml."""
    by_hand = config.origins.get("publish.destination") == "command line"
    if config.site.keep_local is None or by_hand:
        return LetGo()
    before = int(now) - config.site.keep_local
    # A build that goes on writes pages: they leave after the next publish.
    with (
        suppress(BusyError),
        lock.hold(config.state_dir, "build", "mtsite publish"),
    ):
        return let_go(config.site.output, built, ledger, before)
    return LetGo()


def site_address(config: Config, destination: Destination) -> str:
    """Where a reader finds the front page, as far as it can be told."""
    front = "index.html"
    base = config.site.base_url.rstrip("/")
    return f"{base}/{front}" if base else destination.address_of(front)


def _refuse_unbuilt(config: Config) -> None:
    if not (config.state_dir / manifest.FILE).exists():
        raise MissingError(f"nothing is built in {config.site.output}", "run `mtsite build` first")
    refuse_unfetched(config)


@contextmanager
def _opened(config: Config, *, dry_run: bool) -> Iterator[Destination]:
    url = config.publish.destination
    if url and "://" not in url.removeprefix("file://"):
        _refuse_overlap(Path(url.removeprefix("file://")), config.site.output)
    destination = open_destination(url, config.publish)
    try:
        yield DryRun(destination) if dry_run else destination
    finally:
        destination.close()


def _refuse_overlap(directory: Path, tree: Path) -> None:
    real, built = directory.expanduser().resolve(), tree.resolve()
    if real == built or built in real.parents or real in built.parents:
        raise UsageError(
            f"the destination {directory} and the built tree {tree} lie in each other",
            "publish to a directory beside the tree",
        )


@contextmanager
def _state(path: Path, *, keep: bool) -> Iterator[Ledger]:
    try:
        with Ledger.open(path, keep=keep) as ledger:
            yield ledger
    except sqlite3.Error as error:
        raise MtsiteError(
            f"the state in {path.parent} can't be read or written: {error}",
            f"free space or end what uses it; {path.name} may be deleted, it is made anew",
        ) from error
