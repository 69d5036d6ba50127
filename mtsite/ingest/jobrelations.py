"""What jobs of one push hang on, as test data of the tests that they become (docs/relations.md)."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from mtsite.objects.shape import Job

Relations = Mapping[str, tuple[tuple[str, str], ...]]
"""Name of a test → (kind, what it hangs on)."""

NOWHERE = "x"
"""The platform of a job that says none."""


def relations_on(
    platform: str,
    jobs: Iterable[Job],
    platforms: Mapping[str, str],
    place: Callable[[str, str], str],
) -> Relations:
    """The relations of the tests of one platform; `jobs` are those of the push, each once.

    A job of another platform is told by `place(platform, name)`, where its test lies; one that
    nobody knows by its id. Attempts at one test are steps, and no relation of theirs.
    """
    by_id = {job.id: job for job in jobs}
    found: dict[str, dict[tuple[str, str], None]] = {}
    for job in sorted(by_id.values(), key=lambda job: (job.name, job.start or 0, job.id)):
        for source, kind, other in _ends(job):
            if platforms.get(source) != platform:
                continue
            name = by_id[source].name
            label = other
            if other in by_id:
                there = platforms[other]
                label = by_id[other].name
                if there == platform and label == name:
                    continue
                label = label if there == platform else place(there, label)
            found.setdefault(name, {})[kind, label] = None
    return {name: tuple(edges) for name, edges in found.items()}


def numbered(edges: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(variable, value): of one category a database takes each variable once."""
    counts: dict[str, int] = {}
    for kind, label in edges:
        count = counts[kind] = counts.get(kind, 0) + 1
        yield (kind if count == 1 else f"{kind}[{count}]"), label


def _ends(job: Job) -> Iterator[tuple[str, str, str]]:
    for edge in job.relations:
        source, other = (edge.other, job.id) if edge.back else (job.id, edge.other)
        yield source, edge.kind, other
