"""The program of a worker process of `processes`, and what it says over its connection.

It ends when the connection does, and in the middle of a task when the program that started it is gone.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Success:
    """What a task returned."""

    result: Any


@dataclass(frozen=True)
class Failure:
    """What a task raised, and where."""

    error: Exception
    traceback: str


def perform(function: Callable[[Any], Any], task: Any) -> Success | Failure:
    """Run a task; whatever it raises belongs to the caller in the other process."""
    try:
        return Success(function(task))
    except Exception as error:  # noqa: BLE001 - handed over to the caller, who raises it
        return describe_failure(error)


def describe_failure(error: Exception) -> Failure:
    """Return the failure with an error that survives pickling, its own if that does."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - the classes of other libraries fail in every way
        error = ClusterError(f"{type(error).__name__}: {error}")
    return Failure(error, text)


def serve(connection: Connection) -> None:
    """Answer tasks ``(function, task)`` until there are no more."""
    while True:
        try:
            function, task = connection.recv()
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001 - a function that cannot be imported here, say
            connection.send(describe_failure(error))
            continue
        answer = perform(function, task)
        try:
            connection.send(answer)
        except OSError:
            return
        except Exception as error:  # noqa: BLE001 - a result that cannot be pickled; nothing was sent yet
            connection.send(describe_failure(error))


def _end_with_parent() -> None:
    """Wait for the end of standard input, which the parent holds open, and end everything.

    A task may start processes of its own; they are in the process group of this worker.
    """
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def main(descriptor: int) -> None:
    """Serve the connection; what tasks print goes to standard error, as stdout belongs to results."""
    os.set_inheritable(descriptor, False)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with Connection(descriptor) as connection:
        serve(connection)
