"""The order of an image's axes in PyTorch: what it costs that ours come with the channels last.

    python benchmarks/image_layout.py [--repeats N] [--steps N]

LeNet-5 and the network `cnn` on 28 x 28 x 1: optimiser steps (Adam) on one resident batch of 128 images.
Beside the module of the engine stands the same network of plain `torch.nn` modules, fed with images that lie
with the channels first, the order of PyTorch's own examples. The repeats are interleaved, and each ratio is
taken within one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from training import describe_machine

from rapidity.engines import get_engine
from rapidity.network import CATALOGUE, Network, build_network

if TYPE_CHECKING:
    from collections.abc import Callable

N_EVENTS, N_CLASSES, IMAGE = 128, 10, (28, 28, 1)


def make_plain(network: Network) -> nn.Module:
    """Return the network of plain modules, for images ``(n_events, channels, height, width)``."""
    make: dict[str, Callable[[Any], nn.Module]] = {
        "conv2d": lambda node: nn.Conv2d(
            node.input_shapes[0][-1],
            node.layer.filters,
            node.layer.kernel_size,
            padding=node.layer.padding,
            bias=node.layer.bias,
        ),
        "batch_norm": lambda node: nn.BatchNorm2d(node.shape[-1]),
        "activation": lambda _: nn.ReLU(),
        "max_pool2d": lambda _: nn.MaxPool2d(2),
        "flatten": lambda _: nn.Flatten(),
        "dropout": lambda node: nn.Dropout(node.layer.rate),
        "dense": lambda node: nn.Linear(*node.parameters[0].shape),
    }
    return nn.Sequential(*(make[node.layer.kind](node) for node in network.nodes))


def make_step(module: nn.Module, images: Tensor, target: Tensor) -> Callable[[], None]:
    """Return a function that takes one optimiser step."""
    optimizer = torch.optim.Adam(module.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(images), target).backward()
        optimizer.step()

    return step


def measure(step: Callable[[], None], n_steps: int) -> float:
    """Return seconds per step."""
    start = time.perf_counter()
    for _ in range(n_steps):
        step()
    return (time.perf_counter() - start) / n_steps


def compare(name: str, n_repeats: int, n_steps: int) -> str:
    """Return one line of the table."""
    network = build_network(
        CATALOGUE[name].model_validate({"type": name}), {"image": IMAGE}, {"class": N_CLASSES}
    )
    rng = np.random.default_rng(1)
    images = torch.from_numpy(rng.standard_normal((N_EVENTS, *IMAGE)).astype(np.float32))
    target = torch.from_numpy(rng.integers(0, N_CLASSES, N_EVENTS))
    model = get_engine("torch").build(network, network.initial_parameters(rng), "cpu")
    ours = make_step(model.native.train(), images, target)
    plain = make_step(make_plain(network), images.permute(0, 3, 1, 2).contiguous(), target)
    seconds: list[tuple[float, float]] = []
    for repeat in range(n_repeats + 1):
        pair = [measure(step, n_steps) for step in ((ours, plain) if repeat % 2 else (plain, ours))]
        seconds.append((pair[0], pair[1]) if repeat % 2 else (pair[1], pair[0]))
    del seconds[0]  # The first pass pays for what is made once.
    ours_ms, plain_ms = (1e3 * statistics.median(column) for column in zip(*seconds, strict=True))
    ratio = statistics.median(ours_s / plain_s for ours_s, plain_s in seconds)
    return f"| `{name}` | {ours_ms:.1f} | {plain_ms:.1f} | {ratio:.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    print(describe_machine(), end="\n\n")
    print("| network | engine, channels last, ms a step | plain, channels first | ratio |\n|---|---|---|---|")
    for name in ("lenet", "cnn"):
        print(compare(name, arguments.repeats, arguments.steps))


if __name__ == "__main__":
    main()
