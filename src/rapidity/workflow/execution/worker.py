"""Performing a task for another process; and the program of a worker process of `processes`."""

from __future__ import annotations

import os
import pickle
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import ClusterError, RapidityError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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


def unpack(answer: Success | Failure) -> Any:
    """Return the result in an answer, or raise the error in it, on the side of the caller."""
    if isinstance(answer, Success):
        return answer.result
    if not isinstance(answer.error, RapidityError):
        answer.error.add_note(f"In the worker process:\n{answer.traceback}")
    raise answer.error


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


def main(arguments: Sequence[str]) -> None:
    """Serve the connection whose number is the one argument."""
    number = int(arguments[0])
    os.set_inheritable(number, False)
    with Connection(number) as connection:
        serve(connection)
