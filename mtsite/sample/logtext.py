"""A step of a test → the bytes of its log, with a first error that fits the failure."""

import time
from random import Random

from mtsite.sample.bodies import BODIES, Body
from mtsite.sample.faults import FAULTS
from mtsite.sample.history import SampleStep, SampleTest

LONG_LINES = 2400
_GOOD_ENDS = frozenset({"PASS", "WARN", "CHECK", "SKIP"})


def planted_tokens() -> tuple[str, str]:
    """Two tokens that look real and are not, put together here so that no file holds them whole."""
    access_key = "AK" + "IA" + "DEMOFAKE" + "NOTAREAL"
    hub_token = "gh" + "p_" + "NotARealToken" + "MadeForTheDemoSite" + "01234"
    return access_key, hub_token


def log_of(test: SampleTest, step: SampleStep, random: Random) -> bytes:
    """The whole log of one step."""
    last = step is test.steps[-1]
    if last and test.quirk == "empty":
        return b""
    lines = _lines(test, step, random, last=last)
    content = ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
    if last and test.quirk == "broken":
        content = (
            content.replace("größe".encode(), "größe".encode("latin-1")) + b"\xff\xfe\xe4 end\n"
        )
    return content


def _lines(test: SampleTest, step: SampleStep, random: Random, *, last: bool) -> list[str]:
    body = BODIES[test.spec.kind]
    count = random.randrange(body.least, body.most + 1)
    if last and test.quirk == "long":
        count = LONG_LINES
    closing = _closing(body, test, last=last)
    if body.in_pairs and closing is body.good:
        count -= count % 2
    words = _Words(test, step, random, count)
    lines = [words.fill(line) for line in body.head]
    for n in range(1, count + 1):
        words.step_to(n)
        lines.append(words.fill(body.work[(n - 1) % len(body.work)]))
        if n == count // 2 and last and test.quirk == "token":
            lines += _environment()
    if last:
        lines += [words.fill(line) for line in _fault_lines(test)]
    if step.end is not None:
        lines += [words.fill(line) for line in closing]
    return lines


def _fault_lines(test: SampleTest) -> tuple[str, ...]:
    return FAULTS[test.fault].lines if test.fault else ()


def _closing(body: Body, test: SampleTest, *, last: bool) -> tuple[str, ...]:
    remarked = test.spec.kind == "logpro" and test.status in {"WARN", "CHECK"}
    return body.bad if last and (remarked or test.status not in _GOOD_ENDS) else body.good


def _environment() -> list[str]:
    access_key, hub_token = planted_tokens()
    return [
        "+ env | sort",
        f"AWS_ACCESS_KEY_ID={access_key}",
        "CI=true",
        f"GH_AUTH={hub_token}",
        "LANG=C.UTF-8",
    ]


class _Words:
    """What the templates of one log are filled with; the clock moves on with the lines."""

    def __init__(self, test: SampleTest, step: SampleStep, random: Random, count: int) -> None:
        end = step.end if step.end is not None else test.end_time
        self._begin = step.start
        self._per_line = max(0, end - step.start) / (count + 2)
        self._count = count
        out = next((value.value for value in test.values if value.status == "fail"), 0)
        self._known: dict[str, object] = {
            "test": test.spec.name,
            "item": test.item_path,
            "host": test.host,
            "step": step.name,
            "number": random.randrange(10_000, 65_000),
            "seconds": max(0, end - step.start),
            "value": out,
        }
        self.step_to(0)

    def step_to(self, n: int) -> None:
        """Move to the n-th line of work."""
        moment = time.gmtime(self._begin + n * self._per_line)
        clock = f"{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}"
        share = min(100, n * 100 // self._count)
        self._known |= {
            "n": n,
            "clock": clock,
            "iso": f"{moment.tm_year}-{moment.tm_mon:02d}-{moment.tm_mday:02d} {clock}",
            "stamp": f"{_MONTHS[moment.tm_mon - 1]} {moment.tm_mday:2d} {clock}",
            "percent": f"{share:3d}",
            "schema": 132 + (n + 1) // 2,
            "schema_next": 133 + (n + 1) // 2,
        }

    def fill(self, template: str) -> str:
        """The line; a progress bar is drawn with carriage returns, as a terminal would get it."""
        if "{bar}" in template:
            return "\r".join(
                template.format(**self._known, bar=f"[{'=' * (share // 10):<10}] {share:3d}%")
                for share in (0, 12, 37, 61, 88, 100)
            )
        return template.format(**self._known)


_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
