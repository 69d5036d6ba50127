"""How files of the tree are written: with a fingerprint, so that what stands is left alone."""

import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from msgspec import Struct, field

from mtsite import atomicfile
from mtsite.build import digest
from mtsite.manifest import Page
from mtsite.pages.beside import RunBeside
from mtsite.pages.page import SiteFrame

if TYPE_CHECKING:
    from mtsite.build.theme import Theme


class Look(Struct, frozen=True):
    """How pages are made: where templates may lie, what all pages share, and recipes.

    `compiled` is where compiled templates are kept from one process to the next.
    `recipes` has a digest per template: of it with all that it includes, the EDITION of its page
    kind and the frame. `beside` is what run pages show that the settings say.
    `templates` is the digest of all template files, `assets` of all assets.
    """

    dirs: tuple[Path, ...]
    compiled: Path
    frame: SiteFrame
    recipes: Mapping[str, str]
    beside: RunBeside = field(default_factory=RunBeside)
    templates: str = ""
    assets: str = ""


class Pen:
    """Writes files of one owner and remembers which: those with an unmoved fingerprint are kept."""

    def __init__(self, site: Path, look: Look, owner: str, known: Mapping[str, Page]) -> None:
        self.site = site
        self._root = str(site)
        self.recipes = look.recipes
        self.beside = look.beside
        self._look = look
        self.frame = look.frame
        self.owner = owner
        self.known = known
        self.seen: set[str] = set()
        self.changed: list[Page] = []
        self.rendered = 0

    @cached_property
    def theme(self) -> "Theme":
        """What renders; loaded with the first page that is to be made."""
        return theme_of(self._look)

    def fresh(self, kind: ModuleType, path: str, *values: object) -> str:
        """The fingerprint of a page if it must be written, '' if it stands as it is."""
        self.seen.add(path)
        fingerprint = digest.of_page(self.recipes[kind.TEMPLATE], values)
        known = self.known.get(path)
        return "" if known is not None and known.fingerprint == fingerprint else fingerprint

    def keep_made_from(self, fingerprint: str) -> bool:
        """Keep all files of this fingerprint, which were written together; False: there is none."""
        paths = [path for path, page in self.known.items() if page.fingerprint == fingerprint]
        self.seen.update(paths)
        return bool(paths)

    def page(
        self, kind: ModuleType, path: str, fingerprint: str, context: dict[str, object]
    ) -> None:
        """Render a page and put it in its place."""
        self.rendered += 1
        self.write(path, self.theme.render(kind.TEMPLATE, context), fingerprint)

    def write(self, path: str, content: bytes, fingerprint: str) -> None:
        """Put a file in its place and note it."""
        self.seen.add(path)
        atomicfile.write(f"{self._root}/{path}", content, new=path not in self.known)
        page = Page(path, digest.of_bytes(content), len(content), fingerprint, self.owner)
        self.changed.append(page)

    def keep(self, directory: str) -> None:
        """Leave what is known to lie directly in a directory ('…/') as it is."""
        self.seen.update(self._below.get(directory, ()))

    @cached_property
    def _below(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.known:
            if "/_part/" in path:
                found.setdefault(path.rpartition("/")[0] + "/", []).append(path)
        return found

    def store(self, path: str, content: bytes) -> None:
        """Put a file that needs no rendering in its place: its own digest is its fingerprint."""
        self.seen.add(path)
        fingerprint = digest.of_bytes(content)
        known = self.known.get(path)
        if known is None or known.fingerprint != fingerprint:
            self.write(path, content, fingerprint)

    def keep_file(self, path: str) -> bool:
        """Let a file stand as it is; whether there is one."""
        if path in self.known:
            self.seen.add(path)
        return path in self.known

    def remove_rest(self) -> list[str]:
        """Take away the files of this owner that were not asked for this time."""
        removed = [path for path in self.known if path not in self.seen]
        for path in removed:
            (self.site / path).unlink(missing_ok=True)
        return removed


def theme_of(look: Look) -> "Theme":
    """The theme of this process; loaded anew where the process is older than the templates."""
    found = theme(look.dirs, look.compiled)
    if look.templates and found.templates_digest != look.templates:
        theme.cache_clear()
        found = theme(look.dirs, look.compiled)
    return found


@lru_cache(maxsize=4)
def theme(dirs: tuple[Path, ...], compiled: Path) -> "Theme":
    """The theme of these directories, loaded once per process."""
    # A build with no page to make does without: Jinja takes a tenth of its time.
    from mtsite.build.theme import Theme

    return Theme(dirs, compiled)


def load_theme(dirs: tuple[Path, ...], compiled: Path) -> "Theme":
    """The theme as its files are now."""
    forget_stale_theme(dirs, compiled)
    return theme(dirs, compiled)


def forget_stale_theme(dirs: tuple[Path, ...], compiled: Path) -> None:
    """Load nothing; but one process may build again and again while templates change."""
    if theme.cache_info().currsize and theme(dirs, compiled).is_stale():
        theme.cache_clear()


def json_bytes(document: Mapping[str, object]) -> bytes:
    """A JSON file of the tree: ASCII, stable order, a line end at the end."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return f"{text}\n".encode()
