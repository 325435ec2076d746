"""The program of a worker process for jets: ``python -m rapidity.samples.jet_worker``."""

from __future__ import annotations

import json

import numpy as np

from rapidity.core.errors import RapidityError
from rapidity.samples.dijets.blocks import JetTask, generate_jet_block, to_arrays
from rapidity.samples.worker import main, pack


def answer(line: bytes) -> bytes:
    """Return the packed block that a line of JSON asks for, or the packed message of an error."""
    from rapidity.samples.catalogue import JET_SAMPLES

    task = JetTask(**json.loads(line))
    try:
        return pack(**to_arrays(generate_jet_block(JET_SAMPLES[task.sample], task)))
    except RapidityError as error:
        return pack(error=np.array(str(error)))


if __name__ == "__main__":
    main(answer)
