"""Secrets in what testconfigs say, masked when it is taken and again when a rule is new."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from mtsite.logs.redact import Redactor
from mtsite.model import TestDefinition

_BORDER = "\n\x00\n"
"""Between texts that are looked at together: no rule's match goes on over it unseen."""


def masked_definition(definition: TestDefinition, redactor: Redactor) -> TestDefinition:
    """What a testconfig says with its texts masked; names of tests and items are left alone."""
    texts = {text for text in _definition_texts(definition) if text}
    together = _BORDER.join(sorted(texts))
    if redactor.redact_text(together) == together:
        return definition
    clean = {text: redactor.redact_text(text) for text in texts}

    def pairs(of: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((name, clean.get(text, "")) for name, text in of)

    return replace(
        definition,
        author=clean.get(definition.author, ""),
        owner=clean.get(definition.owner, ""),
        description=clean.get(definition.description, ""),
        reviewed=clean.get(definition.reviewed, ""),
        tags=tuple(clean.get(tag, "") for tag in definition.tags),
        jobgroup=clean.get(definition.jobgroup, ""),
        runscript=clean.get(definition.runscript, ""),
        requirements=pairs(definition.requirements),
        itemmap=pairs(definition.itemmap),
        ezsteps=pairs(definition.ezsteps),
        variables=pairs(definition.variables),
    )


def _definition_texts(definition: TestDefinition) -> Iterator[str]:
    yield from (definition.author, definition.owner, definition.description)
    yield from (definition.reviewed, definition.jobgroup, definition.runscript, *definition.tags)
    for pairs in (
        definition.requirements,
        definition.itemmap,
        definition.ezsteps,
        definition.variables,
    ):
        yield from (text for _, text in pairs)
