"""Reading a megatest.config of a given text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mtsite.megatest.configfile import ConfigFile, read_config


@pytest.fixture
def parse(tmp_path: Path) -> Callable[..., ConfigFile]:
    def parse(content: str | bytes, **how: object) -> ConfigFile:
        path = tmp_path / "megatest.config"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        how = {"environ": {}, "area_path": tmp_path, **how}
        return read_config(path, **how)  # type: ignore[arg-type]

    return parse
