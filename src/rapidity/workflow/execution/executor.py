"""What runs tasks: the protocol, and how a task is named to the user.

A task is a small picklable value that says which part of the work is meant: a path, a range of entries,
the number of a fold. What is done with it is a function at the top level of a module, so that other
processes and machines find it by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rapidity.core.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
R = TypeVar("R")

MAX_NAME_LENGTH = 160


class Executor(Protocol):
    """Runs independent tasks somewhere: here, in processes of this machine, on a cluster.

    Whatever runs a task may die and the task be run again, also after it had finished: a task writes its
    files whole or not at all (`core.files`), and gives the same when it is repeated. Paths in tasks are
    absolute: another machine may work in another folder.
    """

    @property
    def n_workers(self) -> int:
        """Number of tasks that run at the same time, as far as it is known."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether all tasks run on this machine."""
        ...

    def prepare(self, function: Callable[[Any], Any], task: Any) -> None:
        """Start what is to be started before there are tasks.

        Parameters
        ----------
        function, task
            What each process that is started does first, such as importing a library; the result is
            thrown away.
        """
        ...

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield the number of a task and the result of `function` for it, as they complete.

        Parameters
        ----------
        function
            A function at the top level of a module.
        tasks
            Its arguments, each small and picklable, as the results are. A task with an attribute `name`
            is called by it in messages.

        Raises
        ------
        RapidityError
            The error of a task, with its class and message, as soon as it is known; tasks that run are
            then given up. Other exceptions of a task likewise, with the traceback of the worker as a note.
        ClusterError
            If a task cannot be brought to an end because whatever runs it dies.
        """
        ...


def task_name(index: int, tasks: Sequence[Any]) -> str:
    """Return how messages call a task: its number, and its name or the beginning of its repr.

    Examples
    --------
    >>> task_name(1, ["a.root", "b.root"])
    "task 2 of 2 ('b.root')"
    """
    name = getattr(tasks[index], "name", None)
    text = name if isinstance(name, str) else repr(tasks[index])
    if len(text) > MAX_NAME_LENGTH:
        text = f"{text[: MAX_NAME_LENGTH - 3]}..."
    return f"task {index + 1} of {len(tasks)} ({text})"


def require_importable(function: Callable[..., Any]) -> None:
    """Refuse a function that other processes cannot import by its name.

    Raises
    ------
    ClusterError
        If it is a lambda, an inner function, or lives in a script or notebook.
    """
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", repr(function))
    if module in (None, "__main__") or "<" in name or "." in name:
        message = (
            f"'{name}' of module {module} cannot run in other processes, which find a function by its name. "
            "Put it at the top level of a module that can be imported, or work with one worker"
        )
        raise ClusterError(message)
