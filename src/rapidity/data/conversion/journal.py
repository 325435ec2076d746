"""What is already done of a conversion: the folder `OUT.parts` beside the output, and the journal in it.

Each part is known by what it is made of: the plan, the file with its size and time of change, the entries.
A part that is found in the journal under that key, with a file of the right size, is not made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from rapidity.core.errors import DataError
from rapidity.data.conversion.part import PartResult
from rapidity.data.conversion.part_file import report_unwritable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rapidity.data.conversion.looking import FileId
    from rapidity.data.conversion.plan import PartPlan

JOURNAL = "journal.jsonl"
DONE = 40
"""Characters of a key in the name of a part file."""


def part_key(plan: PartPlan, file: FileId, entries: tuple[int, int] | None) -> str:
    """Return what identifies a part: the same key means the same content."""
    source = {**asdict(file.source), "index": None}
    arrays = {name: block.model_dump(mode="json") for name, block in file.arrays.items()}
    text = json.dumps([plan.fingerprint(), file.path, file.size, file.mtime_ns, source, arrays, entries])
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Found:
    """What a journal says of an earlier attempt.

    Attributes
    ----------
    done
        Key -> result of the parts that can be used.
    n_useless
        Parts that belong to another configuration, or to files as they were before.
    """

    done: dict[str, PartResult]
    n_useless: int


class Journal:
    """The folder of the parts, held by one conversion at a time; use it in a ``with`` block."""

    def __init__(self, output: Path) -> None:
        self.folder = output.with_name(f"{output.name}.parts")
        self._stream: Any = None

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._stream = (self.folder / JOURNAL).open("a+", encoding="utf-8")
        except OSError as error:
            message = f"cannot write the parts of the conversion into {self.folder}: {error.strerror}."
            raise DataError(message) from error
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._stream.close()
            message = (
                f"{self.folder} is in use: another conversion writes this output. Wait for it, or stop it."
            )
            raise DataError(message) from error
        except OSError:
            # File systems without locks: two conversions at once are then for the user to avoid.
            pass
        return self

    def __exit__(self, *exception: object) -> None:
        # On a full disk, closing tries in vain to write once more what has been reported already.
        with contextlib.suppress(OSError):
            self._stream.close()

    def path_of(self, key: str) -> Path:
        """Return the part file of a key."""
        return self.folder / f"{key[:DONE]}.part"

    def find(self, keys: Sequence[str]) -> Found:
        """Return which parts are done already, and remove what is of no use any more."""
        wanted = set(keys)
        done: dict[str, PartResult] = {}
        useless = 0
        for key, result in self._read():
            path = self.path_of(key)
            is_whole = path.is_file() and path.stat().st_size == result.n_bytes
            if key in wanted and is_whole:
                done[key] = result
            elif key not in wanted:
                useless += 1
        names = {self.path_of(key).name for key in done} | {JOURNAL}
        for path in self.folder.iterdir():
            if path.name not in names:
                path.unlink(missing_ok=True)
        self._stream.truncate(0)
        for key, result in done.items():
            self.record(key, result)
        return Found(done, useless)

    def record(self, key: str, result: PartResult) -> None:
        """Note that a part is done."""
        line = json.dumps({"key": key, "result": asdict(result)}) + "\n"
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            raise report_unwritable(self.folder / JOURNAL, error) from error

    def _read(self) -> Iterable[tuple[str, PartResult]]:
        self._stream.seek(0)
        for line in self._stream:
            # A program that was killed may have left half a line.
            with contextlib.suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                yield entry["key"], PartResult(**entry["result"])

    def remove_if_empty(self) -> None:
        """Remove the folder if it holds no part: nothing was done that is worth being kept."""
        if not any(path.suffix == ".part" for path in self.folder.iterdir()):
            self.remove()

    def remove(self) -> None:
        """Remove the folder: the output is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)
