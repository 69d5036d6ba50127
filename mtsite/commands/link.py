"""`mtsite link`: the address to share."""

import click

from mtsite import urls
from mtsite.errors import MissingError, UsageError
from mtsite.invocation import Invocation, exits
from mtsite.model import RunKey


@click.command(epilog=exits(10))
@click.option("--log", metavar="FILE", help="The page of this log of the test.")
@click.option("--line", metavar="N[-M]", help="The line, or lines, of the log.")
@click.argument("run", metavar="RUN[/TEST[/ITEM]]")
@click.pass_obj
def command(invocation: Invocation, log: str | None, line: str | None, run: str) -> None:
    """Print the address of a run, a test or a line of a log.

    RUN is AREA/KEY1/.../KEYN/RUNNAME, as it stands in the head of its page.
    """
    config = invocation.config()
    name, _, rest = run.partition("/")
    if name not in config.areas:
        raise MissingError(f"no area {name} in this site", "mtsite area ls")
    from mtsite.megatest.area import open_area
    from mtsite.publish.keeplocal import is_elsewhere

    keys = len(open_area(config.areas[name], invocation.environ).fields)
    parts = rest.split("/", keys + 2)
    if len(parts) <= keys or "" in parts[: keys + 1]:
        raise UsageError(
            f"{run}: after the area come {keys} key values and a runname",
            f"mtsite link {name}/{'/'.join(['KEY'] * keys)}/RUNNAME",
        )
    path = _path(RunKey(name, tuple(parts[:keys]), parts[keys]), parts[keys + 1 :], log, line)
    page = path.partition("#")[0]
    if not (config.site.output / page).is_file() and not is_elsewhere(config.state_dir, page):
        invocation.report.warn(f"the site has no page {page} (yet)")
    address = f"{config.site.base_url}/{path}" if config.site.base_url else path
    if invocation.as_json:
        invocation.print_json("link", {"path": path, "address": address})
    else:
        invocation.print(address)


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
