"""What a person calls a run → the run: its address, its URL, or its name as pages show it."""

import difflib
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from mtsite import urls
from mtsite.config import Config
from mtsite.errors import MissingError
from mtsite.manifest import FILE, Manifest
from mtsite.megatest.merge import list_areas
from mtsite.model import RunKey


def find_run(config: Config, told: str, environ: Mapping[str, str]) -> RunKey:
    """The run of this site with that address, AREA/KEY1/.../RUNNAME or URL; gone ones too.

    Raises:
        MissingError: the site knows no such run.
    """
    wanted = _plain(config, told)
    known = _known(config)
    found = _of_name(known, wanted) or _of_name(_listed(config, environ), wanted)
    if found is not None:
        return found
    close = difflib.get_close_matches(wanted, [urls.run_dir(key) for key in known], n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    raise MissingError(
        f"no run {wanted} in this site{meant}",
        "write AREA/KEY1/.../RUNNAME, as it stands in the head of its page",
    )


def _plain(config: Config, told: str) -> str:
    base = config.site.base_url.rstrip("/")
    if base and told.startswith(f"{base}/"):
        told = unquote(told.removeprefix(f"{base}/").partition("#")[0])
    return told.strip("/").removesuffix("/index.html")


def _known(config: Config) -> list[RunKey]:
    if not (config.state_dir / FILE).exists():
        return []
    with Manifest.open(config.state_dir) as manifest:
        return [known.key for known in manifest.known_runs().values()]


def _listed(config: Config, environ: Mapping[str, str]) -> Iterable[RunKey]:
    for listing in list_areas(config.areas.values(), environ):
        yield from (head.key for head in listing.heads)


def _of_name(keys: Iterable[RunKey], wanted: str) -> RunKey | None:
    for key in keys:
        if wanted in {urls.run_dir(key), "/".join((key.area, *key.target, key.runname))}:
            return key
    return None
