"""Run directories on disks, the links to them, and the logs in them.

Files carry the time of what they tell (the end of their step), so that two makes are equal in
that, too.
"""

import os
from html import escape
from pathlib import Path
from random import Random

from mtsite.sample import logpro
from mtsite.sample.history import SampleRun, SampleStep, SampleTest
from mtsite.sample.logtext import log_of
from mtsite.sample.pictures import eye_files
from mtsite.sample.places import Places

OUTSIDE = "elsewhere"
"""Below the root, but in no area, linktree or disk: where one log's symbolic link leads."""


class RunDirs:
    """Writes the directories of an area's runs; `root` is that of all samples."""

    def __init__(self, root: Path, places: Places, seed: int) -> None:
        self._places = places
        self._outside = root / OUTSIDE
        self._seed = seed
        self._made: set[str] = set()

    def write(self, run: SampleRun) -> None:
        """Make the directories, links and logs of one run; nothing where they were cleaned away."""
        if run.leftover in {"deleted", "clean"}:
            return
        random = Random(f"{self._seed}|{self._places.area.name}|{run.runname}|logs")
        for test in run.tests:
            if test.toplevel:
                self._roll_up(run, test)
            elif test.started:
                self._test(run, test, random)

    def _test(self, run: SampleRun, test: SampleTest, random: Random) -> None:
        physical = self._places.physical(run, test)
        link = self._places.link(run, test)
        self._directory(physical)
        self._directory(link.rpartition("/")[0])
        os.symlink(physical, link)  # noqa: PTH211 # see _directory
        for step in test.steps:
            self._step(test, step, physical, log_of(test, step, random))
        # Its own dice: what is drawn moves nothing that is written beside it.
        where = (run.target, run.runname, test.spec.name, test.item_path)
        drawn = Random(f"{self._seed}|{self._places.area.name}|{where}")
        for name, content in eye_files(test.values, drawn).items():
            self._directory(f"{physical}/{name.rpartition('/')[0]}")
            _write(f"{physical}/{name}", content, test.end_time)

    def _step(self, test: SampleTest, step: SampleStep, directory: str, log: bytes) -> None:
        when = step.end if step.end is not None else test.end_time
        path = f"{directory}/{step.name}.log"
        if test.quirk == "link" and step is test.steps[-1]:
            self._leave(path, log, when)
            return
        _write(path, log, when)
        if step.logfile.endswith(".html"):
            _write(f"{directory}/{step.logfile}", logpro.annotated(test, step, log), when)
            _write(f"{directory}/{step.name}.dat", logpro.summary(test, log), when)

    def _leave(self, path: str, log: bytes, when: int) -> None:
        """Put the log outside and a symbolic link to it where it should be."""
        self._directory(str(self._outside))
        target = f"{self._outside}/shared_{Path(path).name}"
        _write(target, log, when)
        Path(path).symlink_to(target)

    def _roll_up(self, run: SampleRun, toplevel: SampleTest) -> None:
        """Megatest's page over the items of a test, in the linktree itself."""
        items = [t for t in run.tests if t.spec.name == toplevel.spec.name and not t.toplevel]
        if not any(item.started for item in items):
            return
        directory = self._places.link(run, toplevel)
        self._directory(directory)
        rows = "\n".join(
            f'<tr><td><a href="{escape(item.item_path)}/test-summary.html">{escape(item.item_path)}'
            f"</a></td><td>{item.state}</td><td>{item.status}</td></tr>"
            for item in items
        )
        page = (
            f"<html><title>Summary: {toplevel.spec.name}</title><table>\n{rows}\n</table></html>\n"
        )
        when = max(item.end_time for item in items)
        _write(f"{directory}/{toplevel.final_logf}", page.encode(), when)

    def _directory(self, path: str) -> None:
        if path in self._made:
            return
        os.makedirs(path, exist_ok=True)  # noqa: PTH103 # 20,000 times: strings are much faster
        self._made.add(path)


def _write(path: str, content: bytes, when: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        os.write(descriptor, content)
        os.utime(descriptor, (when, when))
    finally:
        os.close(descriptor)
