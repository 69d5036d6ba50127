"""What every command gets (`@click.pass_obj`): settings, flags, and the two streams.

Data goes to stdout through `print` and `print_json`, talk to stderr through `report`.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from mtsite.errors import ConfigError
from mtsite.terminal import TerminalReport, plain, print_line, table

if TYPE_CHECKING:
    from mtsite.config import Config

FORM = "mtsite.form"
"""Where click's context holds the flag that chose how data is printed, as --csv."""

EXITS = {
    0: "done",
    1: "failed",
    2: "usage or configuration",
    3: "partly done; what failed is listed",
    10: "no such area, run or site",
    11: "locked or busy; says by whom and since when",
    12: "the destination refused",
    13: "verification failed; the source is kept",
    20: "done, with findings",
    130: "stopped by a signal (143: SIGTERM)",
}


def exits(*codes: int) -> str:
    """The epilog of a command's help: what its exit codes mean (0, 1, 2 and 130 always)."""
    all_codes = sorted({0, 1, 2, 130, *codes})
    return "Exit codes: " + " · ".join(f"{code} {EXITS[code]}" for code in all_codes)


class Invocation(Struct):
    """One call of mtsite from a command line."""

    config_file: Path | None = None
    as_json: bool = False
    verbosity: int = 0
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    report: TerminalReport = field(default_factory=TerminalReport)
    told_json: bool = False

    def config(self, flags: Mapping[str, str] | None = None) -> "Config":
        """The settings of the site that this directory belongs to.

        `flags` are command line options that stand for settings, as {"site.output": "/srv/www"}.

        Raises:
            ConfigError: there is no mtsite.toml, or it holds mistakes (all of them are listed).
        """
        from mtsite.config import FILE_NAME, find_config, load_config

        found = find_config(Path.cwd(), self.config_file, self.environ)
        if found is None:
            raise ConfigError(
                [f"no {FILE_NAME} in {Path.cwd()} or above"],
                "mtsite init AREA_DIR makes one; mtsite build AREA_DIR needs none",
            )
        return load_config(found, self.environ, flags)

    def set_verbosity(self, change: int) -> None:
        """One step quieter (-1) or more talkative (+1)."""
        self.verbosity += change
        self.report.verbosity = self.verbosity

    def print(self, text: str) -> None:
        """Data for a person: each line of it made harmless."""
        print_line("\n".join(plain(line) for line in text.split("\n")), sys.stdout)

    def print_table(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Data for a person, in columns; nothing when there are no rows."""
        if rows:
            print_line(table(rows), sys.stdout)

    def print_json(self, name: str, document: Mapping[str, object]) -> None:
        """Data for a program: the one document of this call, of schema "mtsite/NAME/1"."""
        self.told_json = True
        content = {"schema": f"mtsite/{name}/1", **document}
        print_line(json.dumps(content, indent=1, default=str), sys.stdout)
