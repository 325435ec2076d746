"""Engines: each builds, trains and differentiates the declared network with a library of its own.

An engine is passed as an object; there is no current engine. Asking for one imports its library, importing
this package does not.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.core.errors import EngineError
from rapidity.core.registry import Registry
from rapidity.engines.engine import DeviceName, Engine, Precision

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class EngineEntry:
    """Where an engine lives and what it needs.

    Attributes
    ----------
    module
        Module with a function ``make_engine``.
    library, import_name
        The library as people call it, and as Python imports it.
    extra
        Extra of this package that installs the library; None if it comes with the package.
    """

    module: str
    library: str
    import_name: str
    extra: str | None

    @property
    def is_installed(self) -> bool:
        """Whether Python finds the library."""
        return self.extra is None or importlib.util.find_spec(self.import_name) is not None


ENGINES: Registry[EngineEntry] = Registry(
    "engine",
    {
        "torch": EngineEntry("rapidity.engines.torch", "PyTorch", "torch", "torch"),
        "tensorflow": EngineEntry("rapidity.engines.tensorflow", "TensorFlow", "tensorflow", "tensorflow"),
        "numpy": EngineEntry("rapidity.engines.numpy", "NumPy", "numpy", None),
    },
    EngineError,
)


def get_engine(name: str) -> Engine:
    """Return the engine called `name`.

    Raises
    ------
    EngineError
        If there is no such engine, or its library is not installed.
    """
    entry = ENGINES.get_variant(name)
    if not entry.is_installed:
        others = [other for other, candidate in ENGINES.items() if candidate.is_installed]
        instead = f", or set engine: {' or '.join(others)}" if others else ""
        message = (
            f"engine '{name}' needs {entry.library}, which is not installed."
            f" Run: pip install 'rapidity[{entry.extra}]'{instead}"
        )
        raise EngineError(message)
    make_engine: Callable[[], Engine] = importlib.import_module(entry.module).make_engine
    return make_engine()


__all__ = ["ENGINES", "DeviceName", "Engine", "EngineEntry", "Precision", "get_engine"]
