"""A block of jets with random numbers of its own: any number of workers gives the same jets."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.random import make_generator
from rapidity.samples.dijets.events import make_dijet_generator
from rapidity.samples.dijets.images import SparseImages
from rapidity.samples.dijets.simulation import JetBlock, simulate_jets
from rapidity.samples.pythia import SEED_STOP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.samples.jet_sample import JetSample
    from rapidity.samples.pythia import PythiaGenerator

EVENTS_PER_CLASS = 500
"""Of a block. Within it the spectra of the classes are made equal: a smaller one loses more jets."""
JETS_PER_BLOCK = 1_300
"""About as many there are, in 5 s."""
START_SEED = 1
"""Of what Pythia integrates when it starts."""


@dataclass(frozen=True)
class JetTask:
    """What a worker is asked for.

    Attributes
    ----------
    block
        Number of the block, from 0.
    has_images
        Whether images are wanted; the jets are the same without.
    """

    sample: str
    block: int
    seed: int
    has_images: bool


def generate_jet_block(sample: JetSample, task: JetTask) -> JetBlock:
    """Return the block that `task` describes; events are numbered through all blocks.

    Pythia starts once in a process and gets new random numbers for each block.
    """

    def make(what: str) -> np.random.Generator:
        return make_generator(task.seed, sample.name, task.block, what)

    records = {}
    for kind, settings in sample.class_settings.items():
        generator = _started((*sample.settings, *settings))
        generator.reseed(int(make(sample.classes[kind]).integers(1, SEED_STOP)))
        records[kind] = generator.generate_record(EVENTS_PER_CLASS)
    image_rng = make("images") if task.has_images else None
    first_event = len(records) * EVENTS_PER_CLASS * task.block
    return simulate_jets(records, make("detector"), image_rng, first_event)


@cache
def _started(settings: tuple[str, ...]) -> PythiaGenerator:
    return make_dijet_generator(settings, START_SEED)


def to_arrays(block: JetBlock) -> dict[str, np.ndarray]:
    """Return the block as named arrays, for the way between processes."""
    arrays = {"kind": block.kind, "event": block.event, "n_objects": block.n_objects}
    arrays |= {f"column/{name}": values.astype(np.float32) for name, values in block.columns.items()}
    arrays |= {f"object/{name}": values.astype(np.float32) for name, values in block.objects.items()}
    if block.images is not None:
        arrays |= {f"image/{name}": getattr(block.images, name) for name in ("pixel", "value", "towers")}
    return arrays


def from_arrays(arrays: Mapping[str, Any]) -> JetBlock:
    """Return the block of such arrays."""

    def part(prefix: str) -> dict[str, Any]:
        return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}

    images = part("image/")
    return JetBlock(
        arrays["kind"],
        arrays["event"],
        part("column/"),
        part("object/"),
        arrays["n_objects"],
        SparseImages(**images) if images else None,
    )


def unpack(content: bytes) -> JetBlock:
    """Return the block in a worker's answer; an error that it reports is raised."""
    from rapidity.samples.worker import load_arrays

    return from_arrays(load_arrays(io.BytesIO(content)))
