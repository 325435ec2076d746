"""Programs of ours in processes of their own, which go at once when they are told or their parent is gone.

They are not `multiprocessing`: a script or notebook needs no ``if __name__ == "__main__"``, and Ctrl-C on the
terminal reaches only the program in front.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAST_LINES = 5
SECONDS_FOR_LAST_WORDS = 1.0

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    ),
    "1",
)  # fmt: skip
"""What tells numerical libraries that one thread is theirs."""

KEEPING_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
"""What tells the C library of Linux (glibc) to keep some memory for the next array.

Else every large one is made of new pages, which a quarter of the system time of a conversion went into.
"""

_PROGRAM = (
    "import sys; n = int(sys.argv[2]); sys.path[:] = sys.argv[3 + n:]; "
    "from rapidity.workflow.execution.child import begin; begin(sys.argv[1], sys.argv[3:3 + n])"
)


class ChildProcess:
    """A module of this package as a program; what it prints is passed on to standard error.

    Parameters
    ----------
    module
        Name of a module with a function ``main(arguments)``.
    arguments
        Texts for it.
    pass_fds
        Numbers of open files that it inherits.
    environment
        Variables to set, beside `KEEPING_MEMORY` and those that keep numerical libraries to one thread.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        pass_fds: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        options = [f"-W{option}" for option in sys.warnoptions]
        told = [module, str(len(arguments)), *arguments, *_import_path()]
        self._process = subprocess.Popen(
            [sys.executable, "-P", *options, "-c", _PROGRAM, *told],
            # Never written to: its end tells the child that this program is gone.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
            env={**KEEPING_MEMORY, **os.environ, **ONE_THREAD, **(environment or {})},
            # A process group of its own: Ctrl-C on the terminal must not reach it.
            process_group=0,
        )
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._listener = threading.Thread(
            target=self._forward, args=(self._process.stderr,), name="forward-stderr", daemon=True
        )
        self._listener.start()

    @property
    def is_running(self) -> bool:
        """Whether the process, or one that it started, is there: somebody can still print."""
        # Not poll(): once it is waited for, the number of its group may be another's.
        return self._listener.is_alive()

    def stop(self) -> None:
        """End the process and all that it started, now; again is allowed."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._listener.join(SECONDS_FOR_LAST_WORDS)

    def last_words(self) -> str:
        """Return how a process that was stopped had ended, and its last lines on standard error."""
        code = self._process.returncode
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        said = "".join(f"\n    {line}" for line in self._last_lines)
        return f"{how}; its last lines on standard error:{said}" if said else f"{how}; it said nothing"

    def _forward(self, stream: IO[bytes]) -> None:
        """Pass on, line by line, what the process prints, above the bars of a progress display."""
        with stream:
            for line in stream:
                text = line.decode(errors="replace").rstrip("\n")
                self._last_lines.append(text)
                print(text, file=sys.stderr, flush=True)


def begin(module: str, arguments: Sequence[str]) -> None:
    """Run the program in the child; what it prints goes to standard error, as stdout belongs to results."""
    from importlib import import_module

    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    import_module(module).main(arguments)


def _end_with_parent() -> None:
    """Wait for the end of standard input, which the parent holds open, and end everything.

    The processes that this one starts are in its group.
    """
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def _import_path() -> list[str]:
    """Return where this process imports from, for a child to do the same."""
    here = os.getcwd()  # noqa: PTH109 - an entry of sys.path, which holds text
    return list(dict.fromkeys(entry or here for entry in sys.path))
