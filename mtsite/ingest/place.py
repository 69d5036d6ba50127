"""Where ingested runs go: an area, made if it is absent, and never one where Megatest works."""

import re
import time
from collections.abc import Mapping, Sequence

from msgspec import Struct

from mtsite.config import AreaConfig
from mtsite.errors import ConflictError, UsageError
from mtsite.megatest.area import TMP, Area, open_area
from mtsite.megatest.caches import cache_databases, living_server
from mtsite.megatest.database import AreaConnection, reading
from mtsite.megatest.movable import check_movable
from mtsite.megatest.newarea import is_area, make_area
from mtsite.megatest.newrun import SOURCE, attributes_of, find_run

_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
MOVED = "MOVED"


class Target(Struct, frozen=True):
    """What `--target` says: values, and the names of their keys where it has them."""

    values: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The keys of an area that is made for it."""
        if self.names:
            return self.names
        many = len(self.values)
        return ("target",) if many == 1 else tuple(f"key{n}" for n in range(1, many + 1))

    def values_for(self, area: str, fields: Sequence[str]) -> tuple[str, ...]:
        """Its values in the order of an area's keys.

        Raises:
            UsageError: they are of other keys.
        """
        told = "/".join(fields)
        if len(fields) != len(self.values):
            raise UsageError(
                f"area {area} has the keys {told}, and --target has {len(self.values)} values",
                "--target VALUE/VALUE/..., one for each key",
            )
        if not self.names:
            return self.values
        by_name = dict(zip((name.lower() for name in self.names), self.values, strict=True))
        if sorted(by_name) != sorted(name.lower() for name in fields):
            raise UsageError(f"area {area} has other keys: {told}", "mtsite area show")
        return tuple(by_name[name.lower()] for name in fields)


def check_text(what: str, text: str) -> None:
    """Let no bytes into a database that are no text there.

    Raises:
        UsageError: it has some.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is no UTF-8: {text!r}", "write it in UTF-8") from error


def parse_target(text: str) -> Target:
    """VALUE/VALUE, or KEY=VALUE/KEY=VALUE.

    Raises:
        UsageError: a part is empty or no text, or only some of them name their key.
    """
    check_text("--target", text)
    parts = text.split("/")
    if not all(parts):
        raise UsageError(f"--target {text}: a part is empty", "--target VALUE/VALUE/...")
    named = [_NAMED.fullmatch(part) for part in parts]
    pairs = [(match[1], match[2]) for match in named if match]
    if not pairs:
        return Target(tuple(parts))
    if len(pairs) != len(parts) or not all(value for _name, value in pairs):
        raise UsageError(f"--target {text}: name all keys with a value, or none")
    names, values = zip(*pairs, strict=True)
    return Target(values, names)


def open_or_make(settings: AreaConfig, target: Target, environ: Mapping[str, str]) -> Area:
    """The area that runs go to; made with the keys of `target` where there is none.

    Raises:
        UsageError: Megatest works there, the keys are others, or no area can be made there.
        UnmovableError: a generation that nothing writes any more.
    """
    if not is_area(settings.path):
        make_area(settings.path, target.fields)
    area = open_area(settings, environ)
    check_movable(area)
    if area.live != area.path / "megatest.db" or area.linktree is None:
        raise UsageError(f"area {area.name} can't take runs: {area.live}, {area.linktree}")
    if log := living_server(area.path, int(time.time())):
        raise UsageError(
            f"area {area.name}: Megatest works there ({log} was just touched)", "name another area"
        )
    if caches := cache_databases(area.path, TMP):
        raise UsageError(
            f"area {area.name}: Megatest works there ({caches[0]})", "name another area"
        )
    return area


class Former(Struct, frozen=True):
    """A run of that name that is there: its rowid and what it was made from."""

    run_id: int
    source: str


def find_former(
    area: Area, connection: AreaConnection, values: Sequence[str], runname: str, *, kind: str = ""
) -> Former | None:
    """The run of that name in the area, where it may be looked at as one that was ingested.

    A row that Megatest marked as deleted counts as one that was made from nothing. `kind`: it
    must have been made from this.

    Raises:
        ConflictError: Megatest or another kind made it, or its rows lie elsewhere now.
    """
    name = "/".join((area.name, *values, runname))
    for database in area.databases:
        if database != area.live:
            with reading(database) as other:
                if find_run(other, area.fields, values, runname):
                    raise ConflictError(
                        f"{name} is there, and its rows lie in {database}",
                        f"mtsite restore {area.name} --runname {runname}, or another --runname",
                    )
    found = find_run(connection, area.fields, values, runname)
    if found is None:
        return None
    run_id, state = found
    if state == MOVED:
        raise ConflictError(f"{name} is there, and was moved away", "choose another --runname")
    source = dict(attributes_of(connection, run_id)).get(SOURCE, "")
    if not source and state.lower() != "deleted":
        raise ConflictError(
            f"{name} is there, and was not ingested: it stays", "choose another --runname"
        )
    if kind and source and not source.startswith(f"{kind} "):
        raise ConflictError(
            f"{name} is there, and was made otherwise: it stays", "ingest into another area"
        )
    return Former(run_id, source)
