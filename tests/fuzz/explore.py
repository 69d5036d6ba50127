"""Let Atheris look for inputs that break a promise: python tests/fuzz/explore.py TARGET [SECONDS]

What breaks one is written to `crash-…` in the current directory; put it into corpus/TARGET/ when it
is mended. Inputs that reach new code go to DIRECTORY, if one is named as third word; without one
the same inputs come in the same order each time.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["mtsite"]):
    sys.path.insert(0, str(Path(__file__).parent))
    import targets


def main() -> None:
    """Explore one target for so many seconds."""
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "20"
    known = targets.CORPUS / name
    known.mkdir(parents=True, exist_ok=True)
    found = sys.argv[3:4]
    flags = [f"-max_total_time={seconds}", f"-max_len={targets.MOST_BYTES}", "-timeout=10"]
    if not found:
        # What is found goes into the first directory named: the corpus is chosen by people.
        found = [tempfile.mkdtemp(prefix=f"{name}-", dir=Path.cwd())]
        flags.append("-seed=1")
    if name in targets.WORDS:
        words = Path(f"{name}.words")
        quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in targets.WORDS[name])
        words.write_text("".join(f'"{word}"\n' for word in quoted), encoding="ascii")
        flags.append(f"-dict={words}")
    atheris.Setup([sys.argv[0], *found, str(known), *flags], targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
