"""Families of log rules for machines that make coffee."""
