"""The patterns that the benchmark gives to ripgrep are those of the families."""

from benchmarks import logs


def test_the_patterns_for_ripgrep_are_the_hints_of_the_families() -> None:
    told = "run `python -m benchmarks.logs --write-patterns`"
    assert logs.PATTERNS.read_text(encoding="utf-8") == logs.patterns(), told
