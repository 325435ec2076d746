"""The command line: thin verbs that read their arguments, call the floors below, and print.

One file per verb; `app` lists them. Heavy libraries are imported inside the verbs, so that
`rapidity --help` answers at once.
"""

from __future__ import annotations

from rapidity.cli.app import main

__all__ = ["main"]
