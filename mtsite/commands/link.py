"""`mtsite link`: the address to share."""

from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from mtsite import urls
from mtsite.commands.selection import require_areas
from mtsite.errors import UsageError
from mtsite.invocation import Invocation, exits
from mtsite.model import RunKey

if TYPE_CHECKING:
    from mtsite.config import Config

_ADDRESSES = ("http://", "https://")


@click.command(epilog=exits(10))
@click.option("--log", metavar="FILE", help="The page of this log of the test.")
@click.option("--line", metavar="N[-M]", help="The line, or lines, of the log.")
@click.argument("run", metavar="RUN[/TEST[/ITEM]]")
@click.pass_obj
def command(invocation: Invocation, log: str | None, line: str | None, run: str) -> None:
    """Print the address of a run, a test or a line of a log.

    RUN is AREA/KEY1/.../KEYN/RUNNAME, as it stands in the head of its page, or with the area where
    its rows lie now. Of an address it says which run it is of, and where the rows of that lie.
    """
    if run.startswith(_ADDRESSES) or ".html" in run:
        _tell_whose(invocation, run)
        return
    config = invocation.config()
    name, _, rest = run.partition("/")
    require_areas(config, [name])
    from mtsite.megatest.area import open_area

    keys = len(open_area(config.areas[name], invocation.environ).fields)
    parts = rest.split("/", keys + 2)
    if len(parts) <= keys or "" in parts[: keys + 1]:
        raise UsageError(
            f"{run}: after the area come {keys} key values and a runname",
            f"mtsite link {name}/{'/'.join(['KEY'] * keys)}/RUNNAME",
        )
    key = RunKey(name, tuple(parts[:keys]), parts[keys])
    path = _path(key, parts[keys + 1 :], log, line)
    there = _has_page(config, path)
    if not there and (birth := _birth_of(invocation, key)) is not None:
        path = _path(birth, parts[keys + 1 :], log, line)
        there = _has_page(config, path)
    if not there:
        invocation.report.warn(f"the site has no page {path.partition('#')[0]} (yet)")
    address = f"{config.site.base_url}/{path}" if config.site.base_url else path
    if invocation.as_json:
        invocation.print_json("link", {"path": path, "address": address})
    else:
        invocation.print(address)


def _has_page(config: "Config", path: str) -> bool:
    from mtsite.publish.keeplocal import is_elsewhere

    page = path.partition("#")[0]
    return (config.site.output / page).is_file() or is_elsewhere(config.state_dir, page)


def _birth_of(invocation: Invocation, key: RunKey) -> RunKey | None:
    """The run of that name whose rows lie in the area now: its address is where it was born."""
    from mtsite.megatest.runlist import RunList

    config = invocation.config()
    only = frozenset({key.area})
    found = RunList(tuple(config.areas.values()), invocation.environ, only=only)
    here = (one.key for one in found if one.home == key.area)
    return next((one for one in here if replace(one, area=key.area) == key), None)


def _tell_whose(invocation: Invocation, address: str) -> None:
    """The run that a page is of, and the database that its rows are in."""
    from mtsite.export.runs import find_head, name_of
    from mtsite.megatest.runlist import RunList

    config = invocation.config()
    found = RunList(tuple(config.areas.values()), invocation.environ)
    head, _ = find_head(found, config, address)
    path = urls.run_page(head.key)
    rows = {"area": head.home, "database": str(head.database), "run_id": head.run_id}
    if invocation.as_json:
        whole = f"{config.site.base_url}/{path}" if config.site.base_url else path
        told = {"path": path, "address": whole, "run": name_of(head), "rows": rows}
        invocation.print_json("link", told)
        return
    where = f"{head.database}, run {head.run_id}, in area {head.home}"
    invocation.print_table([("run", name_of(head)), ("rows", where)])


def _path(key: RunKey, test: list[str], log: str | None, line: str | None) -> str:
    if not test:
        if log or line:
            raise UsageError("--log and --line need a test", "mtsite link RUN/TEST --log FILE")
        return urls.run_page(key)
    name = (test[0], test[1] if len(test) > 1 else "")
    if log is None:
        if line:
            raise UsageError("--line needs --log FILE")
        return urls.test_page(key, name)
    return urls.log_page(key, name, log) + (f"#L{_lines(line)}" if line else "")


def _lines(text: str) -> str:
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()) or not text.isascii():
        raise UsageError(f"--line {text}: write 120 or 120-180")
    return text
