"""What the tests of executors let workers do; a module of its own, as workers import functions by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from rapidity.core.errors import DataError, MissingNameError


class Once(NamedTuple):
    """A task that leaves a mark when it is first tried."""

    mark: Path
    value: int


class NeedsTwoError(Exception):
    """An exception that pickle can write and not read."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def square(value: int) -> int:
    return value * value


def wait_and_square(value: int) -> int:
    """The first tasks take longest."""
    time.sleep(0.05 * (3 - value % 4))
    return value * value


def raise_error(value: int) -> int:
    if value == 2:
        message = "branch 'pt' is not in tree 'events' of b.root"
        raise MissingNameError(message)
    return value


def raise_data_error(value: int) -> int:
    message = f"file {value} is truncated"
    raise DataError(message)


def divide(value: int) -> float:
    return 1 / value


def raise_unpicklable(value: int) -> int:
    one = "one"
    raise NeedsTwoError(one, str(value))


def return_unpicklable(value: int) -> object:
    return lambda: value


def die(task: object) -> None:
    print("the last thing it says", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(task: Once) -> int:
    if not task.mark.exists():
        task.mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task.value


def die_once_elsewhere(task: tuple[Once, int]) -> int:
    """Die like `die_once`, but not in the process of this number."""
    once, here = task
    time.sleep(0.05)
    return once.value if os.getpid() == here else die_once(once)


def die_when_told(task: Once) -> int:
    """The first time, write the number of the process and wait to be killed."""
    if not task.mark.exists():
        part = task.mark.with_suffix(".part")
        part.write_text(str(os.getpid()))
        part.rename(task.mark)
        time.sleep(600)
    return task.value


def exit_early(task: object) -> None:
    os._exit(7)


def speak(value: int) -> int:
    print(f"on stdout {value}", flush=True)
    print(f"on stderr {value}", file=sys.stderr, flush=True)
    return value


def environment(name: str) -> str | None:
    return os.environ.get(name)


def process_number(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def sleep_with_child(mark: Path) -> None:
    """Start a process, write its number and the worker's, and stay."""
    child = subprocess.Popen(["sleep", "600"])
    part = mark.with_suffix(".part")
    part.write_text(f"{os.getpid()} {child.pid}")
    part.rename(mark)
    time.sleep(600)


def stay_or_return(mark: Path | None) -> None:
    if mark is not None:
        sleep_with_child(mark)


def return_lock(_: int) -> threading.Lock:
    return threading.Lock()


def is_alive(number: int) -> bool:
    """Whether a process runs; one that has ended and is not yet waited for does not."""
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def convert_after_death(task: object) -> object:
    """`convert_part`, whose first worker dies in the middle of the work."""
    from rapidity.data.conversion.part import convert_part

    result = convert_part(task)
    die_for_the_first_time()
    return result


def predict_after_death(task: object) -> object:
    """`predict_file`, whose first worker dies when its scores are there."""
    from rapidity.delivery import predict_file

    result = predict_file(task)
    die_for_the_first_time()
    return result


def train_after_death(task: object) -> object:
    """`train_fold`, whose first worker dies when its network is trained."""
    from rapidity.workflow.fold_run import train_fold

    result = train_fold(task)
    die_for_the_first_time()
    return result


def die_for_the_first_time() -> None:
    """End this process as the kernel would, if no process has done so."""
    try:
        Path(os.environ["MARK_OF_DEATH"]).touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
