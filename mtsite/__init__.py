"""mtsite: the databases of a regression-test system as a permanent, static website."""

__version__ = "0.1.0"
