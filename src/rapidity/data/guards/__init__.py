"""Checks of the events before training: each can stop the run, be reported, or be left out."""

from __future__ import annotations

from rapidity.data.guards.finding import GuardFinding
from rapidity.data.guards.run import GUARDS, run_guards

__all__ = ["GUARDS", "GuardFinding", "run_guards"]
