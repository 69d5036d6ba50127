"""What the pages of each kind are made by: their templates, their EDITION, what all pages share.

Which templates a page includes takes parsing all of them, and which EDITION it has takes loading
what makes it. Both are remembered for as long as no file among them moves.
"""

import json
from functools import cache
from pathlib import Path

from mtsite import pages
from mtsite.build import digest
from mtsite.build.pen import theme
from mtsite.build.themefiles import ThemeFiles
from mtsite.manifest import Manifest
from mtsite.pages.beside import RunBeside
from mtsite.pages.page import SiteFrame

MADE_FROM = "recipes made from"
RECIPES = "recipes"


def recipes_of(
    shared: tuple[SiteFrame, RunBeside],
    files: ThemeFiles,
    where: tuple[tuple[Path, ...], Path],
    manifest: Manifest,
) -> tuple[str, dict[str, str]]:
    """(what to remember them by, recipe per template); `where`: the arguments of `pen.theme`."""
    made_from = digest.of(files.templates_digest, code_digest(), *map(repr, shared))
    if manifest.get(MADE_FROM) == made_from:
        remembered: dict[str, str] = json.loads(manifest.get(RECIPES))
        return made_from, remembered
    return made_from, _made(*shared, where)


def note_recipes(manifest: Manifest, made_from: str, recipes: dict[str, str]) -> None:
    """Remember them for the next build."""
    manifest.put(RECIPES, json.dumps(recipes))
    manifest.put(MADE_FROM, made_from)


@cache
def code_digest() -> str:
    """A digest of all that may raise an EDITION: to read it takes a twentieth of loading it."""
    found = []
    for top in pages.__path__:
        found += [(file.name, file.read_bytes()) for file in sorted(Path(top).glob("*.py"))]
    if not found:
        # Installed in some other way than as plain files: ask what is loaded.
        from mtsite.build.kinds import KINDS

        return digest.of([(kind.__name__, kind.EDITION) for kind in KINDS])
    return digest.of([(name, digest.of_bytes(content)) for name, content in found])


def _made(
    frame: SiteFrame, beside: RunBeside, where: tuple[tuple[Path, ...], Path]
) -> dict[str, str]:
    # What makes pages is not needed where none is to be made.
    from mtsite.build.kinds import KINDS
    from mtsite.pages import run

    loaded = theme(*where)
    for kind in KINDS:
        # All pages are going to be made: workers then need not compile the same ones again.
        loaded.load(kind.TEMPLATE)
    more = {run.TEMPLATE: repr(beside)}
    return {
        kind.TEMPLATE: digest.of(
            kind.EDITION, loaded.recipe(kind.TEMPLATE), repr(frame), more.get(kind.TEMPLATE, "")
        )
        for kind in KINDS
    }
