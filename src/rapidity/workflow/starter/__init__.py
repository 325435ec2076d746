"""A starter configuration from data files: `rapidity init`.

`sample` reads a part of every file, `splits` says which files are named like a split, `classes` finds out
what is to be told apart (by a column, by `flags` of which one is set, by files), `roles` gives each column
its part, `collections` writes features over jagged columns, `document` writes it all down with the reasons.
"""

from __future__ import annotations

from rapidity.workflow.starter.making import Starter, make_starter, write_starter

__all__ = ["Starter", "make_starter", "write_starter"]
