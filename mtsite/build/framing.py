"""What the settings say about all pages: title, zone, and where templates and styles may lie."""

from pathlib import Path

from mtsite.config import Config
from mtsite.pages.beside import RunBeside
from mtsite.pages.page import SiteFrame


def frame_of(config: Config) -> SiteFrame:
    """What all pages of this site share."""
    site = config.site
    return SiteFrame(site.title, site.timezone, site.noindex, site.base_url)


def beside_of(config: Config) -> RunBeside:
    """What the settings add to the pages of runs."""
    links = {name: dict(area.links) for name, area in config.areas.items() if area.links}
    return RunBeside(links, leaving=not config.retain.is_empty)


def theme_dirs(config: Config) -> tuple[Path, ...]:
    """Where the site's own templates and styles may lie: beside mtsite.toml."""
    return (config.root,) if config.file is not None else ()
