"""Who is told when a job fails: a program of the owner's, given JSON on stdin, never a shell.

It can't hurt the job: one that can't be started, fails or hangs is told, and ended with all that
it started.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from mtsite.jobhistory import JobEntry
from mtsite.operation import NotifyConfig
from mtsite.terminal import TerminalReport

LOOP = "MTSITE_LOOP"
"""In the environment of a command of a job: where it says that it told of its end itself."""


class Ear:
    """What the loop of `mtsite schedule` hears of a command that it starts with `environ`."""

    def __init__(self) -> None:
        self._ear, self.mouth = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.environ = {LOOP: f"{os.getpid()}:{self.mouth}"}

    def close(self) -> bool:
        """Whether anything was said."""
        os.close(self.mouth)
        with os.fdopen(self._ear, "rb") as ear:
            return bool(ear.read())


@contextmanager
def listening(heard: list[bool]) -> Iterator[Ear]:
    """An ear for as long as a command runs; what it heard goes to the list."""
    ear = Ear()
    try:
        yield ear
    finally:
        heard.append(ear.close())


def tell_loop(environ: Mapping[str, str]) -> None:
    """Say to the loop that started this very process, if one did, that its owner was told."""
    loop, _, mouth = environ.get(LOOP, "").partition(":")
    if loop == str(os.getppid()):
        with suppress(OSError, ValueError):
            os.write(int(mouth), b"1")


def notify(rules: NotifyConfig, document: Mapping[str, object], report: TerminalReport) -> None:
    """Give the document to the program, if there is one; what goes wrong is a warning."""
    if not rules.command:
        return
    try:
        child = subprocess.Popen(
            rules.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        report.warn(f"[notify] command can't be started: {rules.command[0]}: {reason}")
        return
    with child:
        _tell(child, rules, document, report)


def _tell(
    child: "subprocess.Popen[bytes]",
    rules: NotifyConfig,
    document: Mapping[str, object],
    report: TerminalReport,
) -> None:
    told = json.dumps(document).encode() + b"\n"
    said = b""
    try:
        _, said = child.communicate(told, timeout=rules.time_limit or None)
    except subprocess.TimeoutExpired:
        report.warn(f"[notify] command did not end in {rules.time_limit} s and was ended")
    finally:
        if child.poll() is None:
            _end(child)
    if child.returncode > 0:
        first = said.decode("utf-8", "replace").strip().partition("\n")[0][:200]
        report.warn(f"[notify] command ended with exit code {child.returncode}: {first}")


def _end(child: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    # What it gave its streams to may live on: nobody waits for that.
    for stream in (child.stdin, child.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    child.wait()


def failure_document(site: str, address: str, entry: JobEntry) -> dict[str, object]:
    """What the program is given: which job of which site failed, when, and what it says."""
    return {
        "schema": "mtsite/job-failure/1",
        "site": site,
        "address": address,
        "job": entry.job,
        "number": entry.number,
        "state": entry.state,
        "exit": entry.exit,
        "host": entry.host,
        "begun": entry.begun,
        "ended": entry.ended,
        "told": entry.told,
        "steps": [
            {"name": s.name, "state": s.state, "told": s.told, "counts": dict(s.counts)}
            for s in entry.steps
        ],
        "next": "mtsite status; then mtsite nightly again",
    }
