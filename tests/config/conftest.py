"""Loading a `mtsite.toml` of a given text."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mtsite.config import Config, load_config
from mtsite.errors import ConfigError

Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(
        text: str | bytes, environ: Mapping[str, str] | None = None, **flags: Mapping[str, str]
    ) -> Config:
        path = tmp_path / "mtsite.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(path, environ or {}, **flags)

    return load


@pytest.fixture
def mistakes(load: Load, tmp_path: Path) -> Callable[..., list[str]]:
    def mistakes(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, environ)
        return [each.replace(f"{tmp_path}/", "") for each in caught.value.mistakes]

    return mistakes
