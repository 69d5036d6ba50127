"""What pages are made to look like with: template files, and styles and scripts in one file each.

    parts in templates/, static/ → digests that tell whether pages or assets are to be made again

Nothing here renders: a build that has no page to make loads no template engine.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import mtsite

ASSETS = "_assets/v1"
"""`v1` rises only when pages that were published with the older assets would break."""

_SHARDS = ("below", "cells", "log", "rows", "search", "status", "strips", "values")
SITE_SCHEMAS = (
    *("grid-1.json", "node-1.json", "relations-1.json", "run-1.json", "site-status-1.json"),
    *(f"shard-{name}-1.json" for name in _SHARDS),
)
"""JSON Schemas of the documents that a site holds; they are published with it."""

_FIRST_STYLES = ("tokens.css", "base.css")
_LAST_STYLES = ("print.css",)
_FIRST_SCRIPTS = (
    *("shard.js", "element.js", "filter_query.js", "log_text.js"),
    *("search_rows.js", "search_draw.js"),
)
"""What other scripts use as soon as they run."""

_ALONE = frozenset({"theme.js"})
_REMARK = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|/\*(?!!).*?\*/\n?""", re.S)
"""A string, kept as it is; or a comment of a style, which no reader of a page needs."""
_IMAGES = frozenset({".svg", ".png", ".woff2"})


def product_dir(name: str) -> Path:
    """'templates' or 'static' of the product: inside the package, or beside it in a checkout."""
    package = Path(mtsite.__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def schemas_dir() -> Path:
    """Where the JSON Schemas lie: inside the package, or in docs/ of a checkout."""
    package = Path(mtsite.__file__).parent
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "docs" / "schemas"


class ThemeFiles:
    """The files of a theme, the user's own before those of the product."""

    def __init__(self, project_dirs: Sequence[Path] = ()) -> None:
        """`project_dirs`: where the user's own `templates/` and `static/` may lie, first wins."""
        self._static = [
            *(directory / "static" for directory in project_dirs),
            product_dir("static"),
        ]
        self._templates_in = [
            *(directory / "templates" for directory in project_dirs),
            product_dir("templates"),
        ]
        self._watched = [*self._templates_in, *self._static]
        self._stamps = self._look()

    def is_stale(self) -> bool:
        """Whether a template, style or script was edited since this theme was loaded."""
        return self._look() != self._stamps

    def _look(self) -> list[tuple[str, int, int]]:
        """Path, time and size of every file that the theme may be made from."""
        files = (path for top in self._watched for path in top.rglob("*"))
        stats = sorted((str(path), path.stat()) for path in files if path.is_file())
        return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in stats]

    @cached_property
    def templates_digest(self) -> str:
        """A digest of every template file: equal, then all recipes are; costs no parsing."""
        digest = hashlib.sha256()
        for top in self._templates_in:
            for path in sorted(path for path in top.rglob("*") if path.is_file()):
                content = path.read_bytes()
                name = path.relative_to(top).as_posix()
                digest.update(f"{name}\0{len(content)}\0".encode() + content)
            digest.update(b"\0\0")
        return digest.hexdigest()

    def assets(self) -> dict[str, bytes]:
        """Path below the site → bytes: style, scripts, images, and the schemas of its JSON."""
        styles = self._files("css", {".css"})
        scripts = self._files("js", {".js"})
        made = {
            f"{ASSETS}/site.css": _join(_style_order(styles), "/* {} */", _without_remarks),
            f"{ASSETS}/site.js": _join(_script_order(scripts), "// {}", str.strip),
        }
        for name in sorted(_ALONE & scripts.keys()):
            made[f"{ASSETS}/{name}"] = scripts[name].read_bytes()
        for name, file in sorted(self._files("img", _IMAGES).items()):
            made[f"{ASSETS}/{name}"] = file.read_bytes()
        for name in SITE_SCHEMAS:
            made[f"{ASSETS}/schema/{name}"] = (schemas_dir() / name).read_bytes()
        return made

    @cached_property
    def assets_digest(self) -> str:
        """A digest over all assets: whether they have to be written again."""
        digest = hashlib.sha256()
        for path, content in self.assets().items():
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def _files(self, folder: str, suffixes: Iterable[str]) -> dict[str, Path]:
        wanted = frozenset(suffixes)
        found: dict[str, Path] = {}
        for directory in reversed(self._static):
            if (directory / folder).is_dir():
                for file in sorted((directory / folder).iterdir()):
                    if file.suffix in wanted and file.is_file():
                        found[file.name] = file
        return found


def _style_order(styles: Mapping[str, Path]) -> list[tuple[str, Path]]:
    middle = sorted(styles.keys() - {*_FIRST_STYLES, *_LAST_STYLES})
    names = [*_FIRST_STYLES, *middle, *_LAST_STYLES]
    return [(name, styles[name]) for name in names if name in styles]


def _script_order(scripts: Mapping[str, Path]) -> list[tuple[str, Path]]:
    rest = sorted(scripts.keys() - _ALONE - {*_FIRST_SCRIPTS})
    return [(name, scripts[name]) for name in (*_FIRST_SCRIPTS, *rest) if name in scripts]


def _without_remarks(style: str) -> str:
    """Leaves comments out; one that begins with `/*!`, as licences do, stays."""
    return _REMARK.sub(lambda found: found[1] or "", style).strip()


def _join(files: Iterable[tuple[str, Path]], heading: str, shorten: Callable[[str], str]) -> bytes:
    parts = [
        f"{heading.format(name)}\n{shorten(file.read_text('utf-8'))}\n" for name, file in files
    ]
    return "\n".join(parts).encode()
