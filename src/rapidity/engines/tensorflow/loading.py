"""Importing TensorFlow and Keras: quietly, and only together."""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rapidity.core.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKEND = "tensorflow"
CHATTER = re.compile(
    rb"I\d{4} |WARNING: All log messages before absl|To enable the following instructions: |\s*$"
)
"""How lines begin that TensorFlow writes to the standard error before any setting of its log is read."""


def load_keras() -> None:
    """Import TensorFlow and Keras, with Keras running on TensorFlow.

    Raises
    ------
    EngineError
        If Keras runs, or is told to run, on another backend.
    """
    if "keras" not in sys.modules:
        _check_backend(os.environ.get("KERAS_BACKEND", BACKEND))
    # Level 3 leaves out what is no error of ours: that there is no GPU, which instructions the processor
    # has. It is read once, at the import, and a value that the user has set stays.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_chatter():
        importlib.import_module("tensorflow")
        keras = importlib.import_module("keras")
    _check_backend(keras.backend.backend())


def _check_backend(name: str) -> None:
    if name != BACKEND:
        message = (
            f"engine 'tensorflow' needs Keras on TensorFlow, but its backend is '{name}' (by KERAS_BACKEND or"
            " keras.json). Set KERAS_BACKEND=tensorflow before Python starts, or take another engine."
        )
        raise EngineError(message)


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep TensorFlow's greetings off the standard error; whatever else is written there comes through.

    They come from static initialisers in C++, which heed no setting.
    """
    if "tensorflow" in sys.modules or sys.__stderr__ is None:
        yield
        return
    sys.__stderr__.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no standard error, so nothing to keep clean
        yield
        return
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            written.seek(0)
            os.write(2, b"".join(line for line in written if not CHATTER.match(line)))
