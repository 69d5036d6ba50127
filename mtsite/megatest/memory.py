"""Config files that were read before, for as long as reading them again would give the same."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct

from mtsite.megatest.configfile import ConfigFile, read_on_terms
from mtsite.megatest.grammar import Terms
from mtsite.megatest.lines import read_regular

T = TypeVar("T")
MOST = 4000

_Stamp = tuple[int, int] | None


class _Known(Struct, Generic[T], frozen=True):
    made: T
    above: Path
    asked: tuple[tuple[str, str | None], ...]
    stamps: tuple[tuple[Path, _Stamp], ...]


class Memory(Generic[T]):
    """What `make` makes of config files; one file on one kind of terms is parsed once.

    The same bytes are not parsed again while the variables that they look at have the same values
    and the files that they include stand as they did. Only what `make` takes from values, problems
    and places may be used: the environment of the first parse stays with it, unless `whole`, which
    tells files apart by all of their environment.
    """

    def __init__(self, make: Callable[[ConfigFile], T], *, whole: bool = False) -> None:
        self._make = make
        self._whole = whole
        self._known: OrderedDict[object, _Known[T]] = OrderedDict()

    def read(self, path: Path, terms: Terms) -> T:
        """What `make` makes of the file; of one that can't be read, too."""
        try:
            raw = read_regular(path)
        except (OSError, ValueError):
            return self._make(read_on_terms(path, terms))
        around = tuple(sorted(terms.environ.items())) if self._whole else ()
        given = tuple(sorted(terms.given.items()))
        key = (raw, terms.kind, terms.area_path, terms.target, given, around)
        known = self._known.get(key)
        if known is not None and _stands(known, path, terms):
            self._known.move_to_end(key)
            return known.made
        config = read_on_terms(path, terms)
        made = self._make(config)
        stamps = tuple((file, _stamp(file)) for file in config.included)
        self._known[key] = _Known(made, path.parent, tuple(config.asked.items()), stamps)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return made


def _stands(known: _Known[T], path: Path, terms: Terms) -> bool:
    if any(terms.environ.get(name) != value for name, value in known.asked):
        return False
    beside = f"{known.above}/"
    if path.parent != known.above and any(str(f).startswith(beside) for f, _ in known.stamps):
        # A name that is relative to the file means another one beside another file.
        return False
    return all(_stamp(file) == stamp for file, stamp in known.stamps)


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size
