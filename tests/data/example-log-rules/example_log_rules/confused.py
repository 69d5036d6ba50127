"""A family that gives something else than was asked for."""

FAMILY = {"rules": ["out of beans"]}
