"""What is made once for many tests, and put back for each as it was made."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class MadeOnce(Generic[T]):
    """A directory in which `make` made something; time stamps and links are put back, too."""

    def __init__(self, root: Path, make: Callable[[Path], T]) -> None:
        self.place = root / "place"
        self.place.mkdir()
        self.made = make(self.place)
        self.kept = root / "kept"
        shutil.copytree(self.place, self.kept, symlinks=True)

    def put_back(self) -> T:
        """What was made; all that another test did to it or left beside it is gone."""
        shutil.rmtree(self.place)
        shutil.copytree(self.kept, self.place, symlinks=True)
        return deepcopy(self.made)
