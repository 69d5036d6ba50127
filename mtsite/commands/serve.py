"""`mtsite serve`: the tree in a browser, on this machine only."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mtsite.errors import MissingError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.config import Config


@click.command(epilog=exits(10))
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: any free one.",
)
@click.option(
    "-d",
    "--directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Serve this directory instead of the site of mtsite.toml.",
)
@click.pass_obj
def command(invocation: Invocation, port: int, directory: Path | None) -> None:
    """Preview the built site; only programs of this machine reach it."""
    from mtsite.publish.headers import headers_for
    from mtsite.serve import open_server

    config = invocation.config() if directory is None else None
    tree = config.site.output if config is not None else Path(directory or "")
    if not (tree / "index.html").is_file():
        raise MissingError(f"no site in {tree}", "run `mtsite build` first, or name it: -d DIR")
    with open_server(
        tree,
        port,
        lambda path: headers_for(path).content_type,
        lambda path: _elsewhere(config, path),
    ) as server:
        invocation.print(f"http://127.0.0.1:{server.server_port}/index.html")
        invocation.report.say(f"serving {tree}; Ctrl-C ends it")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            invocation.report.say("ended")


def _elsewhere(config: "Config | None", path: str) -> str:
    from mtsite.publish.keeplocal import is_elsewhere

    if config is None or not is_elsewhere(config.state_dir, path):
        return ""
    return f"{config.site.base_url or config.publish.destination}/{path}"
