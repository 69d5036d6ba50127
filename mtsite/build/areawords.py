"""What is said of each area as a whole: from its settings, its listing and what it holds."""

import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mtsite.build import unreadable
from mtsite.build.masked import redactor_of
from mtsite.build.nodes import AreaWords
from mtsite.build.state import BuildState
from mtsite.config import AreaConfig
from mtsite.logs.redact import Redactor

INTRO_BYTES = 100_000


def area_words(state: BuildState) -> dict[str, AreaWords]:
    """Area → what its pages say beside its runs."""
    redactor = redactor_of(state.config.redact)
    words = {}
    for name, settings in state.config.areas.items():
        found = state.listed.listings[name]
        fields = found.area.fields if found.area is not None else ()
        problems = (*((found.error,) if found.error else ()), *found.problems)
        if found.area is not None:
            linktree, path = found.area.linktree, found.area.path
            problems += unreadable.missing_linktree(name, linktree, path)
        intro, trouble = _intro(settings, redactor)
        words[name] = AreaWords(
            keys=fields,
            title=settings.title,
            problems=(*problems, *trouble),
            expected=settings.expected or (0 if settings.expected is None else None),
            intro=intro,
            contact=settings.contact,
        )
    return words


def keys_of(
    state: BuildState, words: Mapping[str, AreaWords], area_name: str, values: tuple[str, ...]
) -> tuple[str, ...]:
    """The key names of a target, also where its area can't be read."""
    keys = words[area_name].keys if area_name in words else ()
    if not keys and area_name in state.listed.unreadable:
        return unreadable.key_names(state, area_name, values)
    return keys


def rhythms(state: BuildState, words: Mapping[str, AreaWords]) -> dict[str, int | None]:
    """Area → how often its settings expect a run: never in an archive, None where nobody said."""
    archives = held(state)
    return {
        name: 0 if one.expected is None and name in archives else one.expected
        for name, one in words.items()
    }


def satellites(state: BuildState) -> dict[str, str]:
    """Area → the areas whose runs it holds."""
    births: dict[str, set[str]] = {}
    for head in state.listed.heads.values():
        if head.home != head.key.area:
            births.setdefault(head.home, set()).add(head.key.area)
    return {home: ", ".join(sorted(names)) for home, names in sorted(births.items())}


def held(state: BuildState) -> dict[str, int]:
    """Area → how many runs of other areas it holds."""
    homes = Counter(h.home for h in state.listed.heads.values() if h.home != h.key.area)
    return dict(sorted(homes.items()))


def has_leaving_page(state: BuildState) -> bool:
    """Whether the site has this page, as far as the settings and the last build tell."""
    return not state.config.retain.is_empty or any(one.let_go for one in state.known.values())


def names_now(areas: Mapping[str, AreaConfig]) -> dict[str, str]:
    """Former name → the name that the area has now."""
    return {former: name for name, one in areas.items() for former in one.aliases}


def grid_settings(state: BuildState, area_name: str) -> tuple[tuple[str, ...], str]:
    """What heads the columns of an area's grids, and what their cells tell at first."""
    settings = state.config.areas.get(area_name)
    return (settings.grid_heads, settings.grid_metric) if settings else ((), "")


def _intro(settings: AreaConfig, redactor: Redactor) -> tuple[str, tuple[str, ...]]:
    """The area's introduction with its secrets masked, or why there is none.

    A name alone is meant inside the area, where anyone may put a link: what that leads out of it
    to is not shown.
    """
    if not settings.intro:
        return "", ()
    path = settings.path / settings.intro
    try:
        if not Path(settings.intro).is_absolute():
            real, home = path.resolve(strict=True), settings.path.resolve(strict=True)
            if not real.is_relative_to(home):
                return "", (f"intro {settings.intro} leads out of the area",)
        if not stat.S_ISREG(path.stat().st_mode):
            return "", (f"intro {settings.intro} is no regular file",)
        with path.open("rb") as file:
            content = file.read(INTRO_BYTES)
    except OSError as error:
        return "", (f"intro {settings.intro}: {error.strerror or error}",)
    return redactor.redact(content)[0].decode("utf-8", "replace"), ()
