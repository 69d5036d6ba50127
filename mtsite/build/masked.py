"""Secrets in the free text of rows, masked before anything is made of it.

Names and paths are left alone: they are identities, and addresses are made from them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec.structs import replace

from mtsite.config import RedactConfig
from mtsite.errors import ConfigError, MtsiteError
from mtsite.logs.redact import Redactor, make_redactor
from mtsite.megatest.reader import RunHead
from mtsite.model import (
    Run,
    RunRecord,
    Scalar,
    Step,
    Test,
    TestDatum,
    TestMeta,
    TestName,
    TestRecord,
)

_PLACES = 5
_SAID = "="
_BORDER = "\n\x00\n"
"""Between texts that are looked at together: no rule's match goes on over it unseen."""


def masked_run(run: Run, redactor: Redactor) -> tuple[Run, dict[str, int]]:
    """The run with all its free text masked, and how often by rule.

    It is the run itself where none has a secret. All different texts are looked at in one go:
    hardly any run has a secret in its rows.
    """
    texts = {text for text in _texts(run) if text}
    if not redactor.counts_in(_BORDER.join(sorted(texts))):
        return run, {}
    counts: Counter[str] = Counter()
    for text in _texts(run):
        counts.update(redactor.counts_in(text))
    if redactor.reports:
        return run, dict(sorted(counts.items()))
    clean = {text: redactor.redact_text(text) for text in texts}
    return _replaced(run, clean), dict(sorted(counts.items()))


def masked_attributes(
    pairs: Sequence[tuple[str, str]], redactor: Redactor
) -> list[tuple[str, str]]:
    """Attributes of a run as `masked_run` has them."""
    clean = {text: redactor.redact_text(text) for text in map(_SAID.join, pairs)}
    return [_attribute(pair, clean) for pair in pairs]


def masked_head(head: RunHead, redactor: Redactor) -> RunHead:
    """A run's row with its comment masked, which is all that remains of one that was moved."""
    return replace(
        head,
        comment=redactor.redact_text(head.comment),
        moved_to=redactor.redact_text(head.moved_to),
    )


def _texts(run: Run) -> Iterator[str]:
    yield run.comment
    yield from (_SAID.join(pair) for pair in run.attributes)
    for test in run.tests:
        yield test.comment
        for step in test.steps:
            yield step.comment
        for datum in test.data:
            yield from (datum.category, datum.variable, datum.units, datum.comment)
            yield from (v for v in (datum.value, datum.expected, datum.tol) if isinstance(v, str))
    for meta in run.meta.values():
        yield from (meta.author, meta.owner, meta.description, meta.reviewed, *meta.tags)


def _replaced(run: Run, clean: dict[str, str]) -> Run:
    return replace(
        run,
        comment=clean.get(run.comment, ""),
        attributes=tuple(_attribute(pair, clean) for pair in run.attributes),
        tests=tuple(_test(test, clean) for test in run.tests),
        meta={name: _meta(meta, clean) for name, meta in run.meta.items()},
    )


def _attribute(pair: tuple[str, str], clean: dict[str, str]) -> tuple[str, str]:
    """An attribute is looked at with its name: `DB_PASSWORD` says what its value is."""
    masked = clean.get(_SAID.join(pair), _SAID)
    if masked == _SAID.join(pair):
        return pair
    name, _said, value = masked.partition(_SAID)
    return name, value


def _test(test: Test, clean: dict[str, str]) -> Test:
    return replace(
        test,
        comment=clean.get(test.comment, ""),
        steps=tuple(_step(step, clean) for step in test.steps),
        data=tuple(_datum(datum, clean) for datum in test.data),
    )


def _step(step: Step, clean: dict[str, str]) -> Step:
    return replace(step, comment=clean.get(step.comment, ""))


def _datum(datum: TestDatum, clean: dict[str, str]) -> TestDatum:
    def scalar(value: Scalar) -> Scalar:
        return clean.get(value, "") if isinstance(value, str) else value

    return replace(
        datum,
        category=clean.get(datum.category, ""),
        variable=clean.get(datum.variable, ""),
        value=scalar(datum.value),
        expected=scalar(datum.expected),
        tol=scalar(datum.tol),
        units=clean.get(datum.units, ""),
        comment=clean.get(datum.comment, ""),
    )


def _meta(meta: TestMeta, clean: dict[str, str]) -> TestMeta:
    return replace(
        meta,
        author=clean.get(meta.author, ""),
        owner=clean.get(meta.owner, ""),
        description=clean.get(meta.description, ""),
        reviewed=clean.get(meta.reviewed, ""),
        tags=tuple(clean.get(tag, "") for tag in meta.tags),
    )


def masked_in(record: RunRecord) -> dict[str, int]:
    """How many secrets each rule found in the rows and logs of a run."""
    counts = Counter(record.redacted)
    for test in record.tests.values():
        for one in test.files:
            counts.update(one.redacted)
    return dict(sorted(counts.items()))


def refuse_secrets(rows: Mapping[str, int], tests: Mapping[TestName, TestRecord]) -> None:
    """Let nothing of a run onto the site that holds a secret.

    Raises:
        MtsiteError: its rows or logs do; the message says where the first ones are.
    """
    places = [f"its rows ({counted(rows)})"] if rows else []
    for name, test in sorted(tests.items()):
        where = "/".join(filter(None, name))
        places += [
            f"{where}/{one.name} ({counted(one.redacted)})" for one in test.files if one.redacted
        ]
    if places:
        more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
        raise MtsiteError(
            f"[redact] mode is fail, and there are secrets in {', '.join(places[:_PLACES])}{more}",
            "take them out of the logs, or allow them in [redact] allow",
        )


def counted(counts: Mapping[str, int]) -> str:
    """What was found, by rule: "jwt 1, password 2"."""
    return ", ".join(f"{name} {counts[name]}" for name in sorted(counts))


@lru_cache(maxsize=4)
def redactor_of(rules: RedactConfig) -> Redactor:
    """What masks by the site's rules, made once per process.

    Raises:
        ConfigError: a rule that there is not, or a pattern that is none.
    """
    try:
        own = [(rule.name, rule.regex) for rule in rules.own]
        return make_redactor(rules.rules, own, rules.allow, report=rules.mode == "report")
    except ValueError as error:
        hint = "correct [redact]; patterns are written in RE2's syntax"
        raise ConfigError([f"[redact]: {error}"], hint) from error
