"""A starter configuration from data files: `rapidity init`.

`sample` reads a part of every file, `classes` finds out what is to be told apart, `roles` gives each column
its part, `collections` writes features over jagged columns, `document` writes it all down with the reasons.
"""

from __future__ import annotations

from rapidity.workflow.starter.making import Starter, make_starter, write_starter

__all__ = ["Starter", "make_starter", "write_starter"]
