"""Thin verbs: parse, call workflow, print."""
