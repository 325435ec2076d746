"""The one tree of errors; only `cli` catches them and turns them into an exit code and a message.

A message has five parts: what failed, where, what was found, what was expected, what to do.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NAMES_SHOWN = 10


class RapidityError(Exception):
    """Base of every error that Rapidity raises on purpose."""

    exit_code = 2

    def __str__(self) -> str:
        # KeyError would print the repr of its argument, with quotes and escaped line ends.
        return str(self.args[0]) if self.args else ""


class ConfigError(RapidityError, ValueError):
    """The configuration cannot be what the user wants."""


class DataError(RapidityError, ValueError):
    """A file or its content is not what the configuration says."""


class MissingNameError(DataError, KeyError):
    """A column, branch, tree or dataset is not there."""


class VerificationError(DataError):
    """What was written, or what is there already, does not agree with what it was made from."""

    exit_code = 3


class GraphError(RapidityError, ValueError):
    """The layers of a network do not fit together."""


class GradientError(RapidityError, RuntimeError):
    """A derivative cannot be taken: nothing to differentiate, or its graph is freed."""


class ExpressionError(RapidityError, ValueError):
    """A feature expression or cut cannot be understood."""


class EngineError(RapidityError, ImportError):
    """An engine is unknown, not installed, or cannot do what the network needs."""


class ClusterError(RapidityError, RuntimeError):
    """Processes or machines that should share the work cannot be had, or keep dying."""


class TrainingError(RapidityError, ArithmeticError):
    """Training cannot go on."""


class ExportError(RapidityError, ValueError):
    """A model file cannot be written or read."""


class ParityError(ExportError):
    """ONNX Runtime does not reproduce the scores of the engine."""

    exit_code = 3


class InterruptedRunError(RapidityError):
    """The user stopped the work (Ctrl-C); what was done so far is on disk."""

    exit_code = 130


def shorten(names: Iterable[object], limit: int = MAX_NAMES_SHOWN) -> str:
    """Return the names joined by commas, cut after `limit` with the number left out.

    Examples
    --------
    >>> shorten(["a", "b", "c"], limit=2)
    'a, b, ... (1 more)'
    """
    listed = [str(name) for name in names]
    shown = ", ".join(listed[:limit])
    hidden = len(listed) - limit
    return f"{shown}, ... ({hidden} more)" if hidden > 0 else shown


def closest(name: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """Return up to `limit` of the names that look most like `name`, best first, case ignored.

    Examples
    --------
    >>> closest("lep0_pt", ["lep_0_pt", "met", "Jet0_pt"])
    ['lep_0_pt', 'Jet0_pt']
    """
    by_lower = {candidate.lower(): candidate for candidate in names}
    found = difflib.get_close_matches(name.lower(), by_lower, n=limit, cutoff=0.6)
    return [by_lower[lower] for lower in found]
