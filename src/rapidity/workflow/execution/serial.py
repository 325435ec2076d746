"""Tasks one after another in this process, with whatever threads its libraries use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rapidity.workflow.execution.executor import R, T


class SerialExecutor:
    """The executor that the others must agree with: a loop."""

    n_workers = 1
    is_local = True

    def prepare(self, function: Callable[[Any], Any], task: Any) -> None:
        """Do nothing: this process has started."""

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield the number and the result of each task, in their order."""
        for index, task in enumerate(tasks):
            yield index, function(task)
