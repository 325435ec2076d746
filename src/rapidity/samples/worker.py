"""The program of a worker process: ``python -m rapidity.samples.worker``.

It reads one task a line (JSON) from standard input and answers each with the length of what follows,
as eight bytes, and a NumPy archive. It ends when its input does: also when the program that started
it was killed.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from rapidity.core.errors import RapidityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.samples.blocks import Block

LENGTH = struct.Struct("<q")


def pack(**arrays: np.ndarray) -> bytes:
    """Return named arrays as a NumPy archive."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> Block:
    """Return the block in a worker's answer; an error that it reports is raised."""
    from rapidity.samples.blocks import Block
    from rapidity.samples.event_columns import from_arrays

    arrays = load_arrays(io.BytesIO(content))
    return Block(from_arrays(arrays), arrays["event_number"], arrays["cross_section_pb"])


def load_arrays(content: BinaryIO) -> dict[str, np.ndarray]:
    """Return the arrays of an answer; an error that it reports is raised."""
    with np.load(content, allow_pickle=False) as arrays:
        if "error" in arrays:
            raise RapidityError(str(arrays["error"]))
        return dict(arrays)


def answer(line: bytes) -> bytes:
    """Return the packed block that a line of JSON asks for, or the packed message of an error."""
    from rapidity.samples.blocks import BlockTask, generate_block
    from rapidity.samples.catalogue import SAMPLES
    from rapidity.samples.event_columns import to_arrays

    task = BlockTask(**json.loads(line))
    sample = SAMPLES[task.sample]
    process = next(process for process in sample.processes if process.name == task.process)
    try:
        block = generate_block(sample, process, task)
    except RapidityError as error:
        return pack(error=np.array(str(error)))
    return pack(
        event_number=block.event_number,
        cross_section_pb=block.cross_section_pb,
        **to_arrays(block.columns),
    )


def serve(tasks: BinaryIO, answers: BinaryIO, answer: Callable[[bytes], bytes] = answer) -> None:
    """Answer task after task until there are no more."""
    for line in tasks:
        content = answer(line)
        answers.write(LENGTH.pack(len(content)))
        answers.write(content)
        answers.flush()


def main(answer: Callable[[bytes], bytes] = answer) -> None:
    """Serve standard input; whatever C++ prints goes to standard error instead of the answers."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin.buffer, answers, answer)


if __name__ == "__main__":
    main()
