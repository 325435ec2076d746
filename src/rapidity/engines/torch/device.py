"""Choosing the device, and random numbers that leave the global generators alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from rapidity.core.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from rapidity.engines.engine import DeviceName, Precision


def choose_device(device: DeviceName, precision: Precision) -> torch.device:
    """Return the device; an EngineError if there is no GPU but one is needed."""
    has_gpu = torch.cuda.is_available()
    if device == "gpu" and not has_gpu:
        message = (
            "training.device is 'gpu', but PyTorch finds no CUDA GPU here."
            " Set device: auto or cpu, or install a build of PyTorch for the GPU."
        )
        raise EngineError(message)
    chosen = torch.device("cuda", torch.cuda.current_device()) if has_gpu and device != "cpu" else None
    if precision == "mixed" and chosen is None:
        message = (
            "training.precision is 'mixed', which needs a GPU, but the device is the CPU."
            " Set precision: float32."
        )
        raise EngineError(message)
    return chosen or torch.device("cpu")


@contextmanager
def seeded(rng: np.random.Generator, device: torch.device) -> Iterator[None]:
    """Seed torch's own generators from `rng` inside the block, and put them back as they were."""
    is_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if is_gpu else []):
        seed = int(rng.integers(2**63))
        torch.default_generator.manual_seed(seed)
        if is_gpu:
            torch.cuda.manual_seed(seed)
        yield


@contextmanager
def preserved_random_state() -> Iterator[None]:
    """Put torch's generator of the CPU back as it was: making modules draws from it."""
    with torch.random.fork_rng(devices=[]):
        yield
