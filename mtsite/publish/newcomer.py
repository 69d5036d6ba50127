"""A first publish: what lies at the destination already, before anything is put over it.

One look at the first thousand objects and at the front page is enough to meet another site, or what
is left of this one. `--audit` looks at everything, and takes over what it may.
"""

from collections.abc import Callable, Iterable
from itertools import islice

from mtsite.errors import DestinationError
from mtsite.publish.audit import is_own, is_same
from mtsite.publish.destination import Destination, Stored
from mtsite.publish.encode import Encoded
from mtsite.publish.plan import TreeFile

LOOK = 1000
FRONT = "index.html"
MANIFEST = "_manifest/"
_NAMED = 5


class Newcomer:
    """One destination without a manifest; `encode` gives a file of the tree as it is sent."""

    def __init__(self, destination: Destination, encode: Callable[[str], Encoded]) -> None:
        self._destination = destination
        self._encode = encode

    def look_around(
        self, files: Callable[[Iterable[str]], Iterable[tuple[str, str, int]]]
    ) -> list[str]:
        """Paths that are nobody's and are not in the way; an empty place costs one request.

        `files` tells which of some paths the tree has.

        Raises:
            DestinationError: objects lie where the tree's files go, and are others.
        """
        there = {each.path: each for each in islice(self._destination.list(), LOOK)}
        if len(there) == LOOK and FRONT not in there:
            found = self._destination.list(FRONT)
            there |= {each.path: each for each in islice(found, 1) if each.path == FRONT}
        # Paths of a site are ASCII; others may hold anything, broken UTF-8 too.
        ours = [TreeFile(*row) for row in files(sorted(filter(str.isascii, there)))]
        in_the_way = [file.path for file in ours if not self._is_same(file, there[file.path])]
        if in_the_way:
            named = ", ".join(in_the_way[:_NAMED])
            more = " and others" if len(in_the_way) > _NAMED else ""
            raise DestinationError(
                f"{self._destination.name} has no manifest of mtsite, and objects that this site"
                f" would replace: {named}{more}",
                "publish to an empty prefix; if they may be replaced, or are of this site:"
                " `mtsite publish --audit` takes over what is the same and replaces the rest",
            )
        foreign = there.keys() - {file.path for file in ours}
        # Parts of a manifest whose root nobody wrote are those of a publish that died.
        left = (path for path in foreign if not path.startswith(MANIFEST))
        return sorted(path for path in left if not is_own(path))

    def _is_same(self, file: TreeFile, stored: Stored) -> bool:
        return is_same(self._destination, self._encode, file, stored)
