"""A module that fails as soon as it is imported."""

raise RuntimeError("no beans in this build")
