"""Downloading one file: several attempts, several addresses, and a name only for what is whole and right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError
from rapidity.core.files import write_atomically
from rapidity.samples.public.verifying import find_fault

if TYPE_CHECKING:
    from pathlib import Path

    from rapidity.core.progress import Progress, Task
    from rapidity.samples.public.data_set import RemoteFile

N_ATTEMPTS = 3
"""Attempts at each address while the connection breaks or the server is in trouble."""
PAUSE_S = 1.0
"""Pause before the second attempt; before the third it is twice as long."""
TIMEOUT_S = 30.0
"""Time without a byte after which a connection counts as broken."""
CHUNK = 1 << 16
# Otherwise a server may compress on the way, and the length of what comes would say nothing.
HEADERS = {"Accept-Encoding": "identity"}


class FailedAttemptError(Exception):
    """One attempt at one address failed; never leaves this module.

    Attributes
    ----------
    may_pass
        Whether the same address may give the file a moment later.
    """

    def __init__(self, failure: str, *, may_pass: bool) -> None:
        super().__init__(failure)
        self.may_pass = may_pass


def download(file: RemoteFile, path: Path, recorded: str | None, progress: Progress) -> tuple[str, str]:
    """Download a file to `path`, whole and verified or not at all.

    Parameters
    ----------
    recorded
        Checksum of an earlier fetch, for a file without a published one.

    Returns
    -------
    sha256, verified_by
        The checksum, and what it was compared with.

    Raises
    ------
    DataError
        If no address gives the right file (all that was tried is listed), or it cannot be written.
        Nothing is left behind, and what was at `path` before stays.
    """
    failures: list[str] = []
    for url in file.urls:
        for attempt in range(1, N_ATTEMPTS + 1):
            try:
                return _attempt(url, file, path, recorded, progress)
            except FailedAttemptError as error:
                failures.append(f"{url}: {error}")
                if not error.may_pass or attempt == N_ATTEMPTS:
                    break
            progress.note(f"{failures[-1]}. Beginning again: attempt {attempt + 1} of {N_ATTEMPTS}")
            time.sleep(PAUSE_S * attempt)
    tried = "".join(f"\n  {failure}" for failure in dict.fromkeys(failures))
    message = (
        f"{file.name} could not be downloaded. Tried:{tried}\n  Nothing half-written is left in "
        f"{path.parent}. Try again later, or put the file there by other means: fetch then only verifies it."
    )
    raise DataError(message)


def _attempt(
    url: str, file: RemoteFile, path: Path, recorded: str | None, progress: Progress
) -> tuple[str, str]:
    with write_atomically(path) as temporary:
        with progress.task(f"Downloading {file.name}", total=file.size, unit="byte") as task:
            _transfer(url, temporary, task)
        fault, sha256, verified_by = find_fault(file, temporary, recorded)
        if fault is not None:
            # A body that ends early without the server having said its length is a broken connection.
            is_short = file.size is not None and temporary.stat().st_size < file.size
            failure = f"gave a file of {fault}"
            raise FailedAttemptError(failure, may_pass=is_short)
    return sha256, verified_by


def _transfer(url: str, target: Path, task: Task) -> None:
    """Copy what an address gives into a file."""
    # Imported here: requests comes with pooch, and `rapidity --help` should not wait for them.
    from pooch import HTTPDownloader
    from requests.exceptions import HTTPError, RequestException

    get = HTTPDownloader(progressbar=_Reported(task), chunk_size=CHUNK, timeout=TIMEOUT_S, headers=HEADERS)
    try:
        get(url, str(target), None)
    except HTTPError as error:
        # The text is that of requests: code, reason, and the address, which we name ourselves.
        answer = str(error).partition(" for url")[0]
        failure = f"the server answers {answer}"
        raise FailedAttemptError(failure, may_pass=answer.startswith("5")) from error
    except RequestException as error:
        failure = f"the connection broke after {target.stat().st_size:,} bytes ({_innermost(error)})"
        raise FailedAttemptError(failure, may_pass=True) from error


def _innermost(error: BaseException) -> str:
    """Return what lies at the bottom of a chain of exceptions, in one line."""
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(error).split())[:200] or type(error).__name__


class _Reported:
    """The progress bar that pooch wants, handing on to ours."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._done = 0
        self.total = 0
        """Set by pooch when the server has said the length; 0 if it does not."""

    def update(self, n_bytes: int) -> None:
        """Count a chunk: pooch passes the size of full chunks, also for the last and shorter one."""
        new = min(n_bytes, self.total - self._done) if self.total else n_bytes
        self._done += new
        if new:
            self._task.advance(new)

    def reset(self) -> None:
        """Ignore: pooch fills its bar anew at the end, ours is full."""

    def close(self) -> None:
        """Ignore: the task is closed by who opened it."""
