"""Training on clouds and images: events per second beside bare PyTorch and weaver, all in one run.

    python benchmarks/clouds.py [--repeats N] [--steps N] [--only CASE ...]

ParticleNet and the particle transformer in the sizes of their papers on jets of up to 30 constituents, and
`resnet` on images of 32 x 32 x 3. The bare loop trains the very module that the engine `torch` built
(`model.native`) on the same events. weaver's own networks, of the same sizes, are tried where they are
installed; they need nothing but PyTorch: `pip install --no-deps weaver-core`. Every contender lives in a
process of its own, and the repeats are interleaved; ratios are taken within a repeat, and their medians
compared.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import statistics
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

N_CONSTITUENTS, N_FEATURES, N_CLASSES = 30, 6, 2
LEARNING_RATE = 1e-3
BATCH_SIZES = {"particle_net": 64, "particle_transformer": 64, "resnet": 64}
TARGETS = {"bare": 0.95, "weaver": 1.0, "numpy": 0.3}
"""The engine `torch` shall reach so many times the rate of `bare` and `weaver`; `numpy` that of `torch`."""
TITLES = {
    "torch": "Rapidity, engine `torch`",
    "bare": "bare PyTorch, the same module",
    "weaver": "weaver",
    "numpy": "Rapidity, engine `numpy`",
}

Arrays = dict[str, np.ndarray]


def draw_jets(n_jets: int) -> Arrays:
    """Return constituents of jets, 8 to 30 each, with momenta (GeV) and places around the axis."""
    rng = np.random.default_rng(1)
    shape = (n_jets, N_CONSTITUENTS)
    n_constituents = rng.integers(8, N_CONSTITUENTS + 1, n_jets)
    mask = (np.arange(N_CONSTITUENTS) < n_constituents[:, None]).astype(np.float32)
    pt = 0.5 + rng.exponential(5.0, shape)
    eta, phi = rng.normal(0, 0.2, (2, *shape))
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=-1)
    features = np.stack([np.log(pt), eta, phi, *rng.normal(size=(N_FEATURES - 3, *shape))], axis=-1)
    clouds = {"jets": features, "jets.coordinates": np.stack([eta, phi], axis=-1), "jets.momenta": momenta}
    return {
        "jets.mask": mask,
        **{name: (values * mask[..., None]).astype(np.float32) for name, values in clouds.items()},
    }


def draw_inputs(case: str, n_events: int) -> Arrays:
    """Return the inputs of a network, in the order in which it takes them."""
    if case == "resnet":
        return {"image": np.random.default_rng(1).normal(size=(n_events, 32, 32, 3)).astype(np.float32)}
    beside = {"particle_net": "jets.coordinates", "particle_transformer": "jets.momenta"}[case]
    jets = draw_jets(n_events)
    return {name: jets[name] for name in ("jets", "jets.mask", beside)}


def draw_target(n_events: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, N_CLASSES, n_events)


def build(case: str, engine: str, inputs: Arrays) -> Any:
    """Return a model of Rapidity with its first parameters."""
    from rapidity.engines import get_engine
    from rapidity.network import CATALOGUE, build_network

    config = CATALOGUE.get_variant(case).model_validate({"type": case})
    shapes = {name: values.shape[1:] for name, values in inputs.items()}
    network = build_network(config, shapes, {"class": N_CLASSES})
    parameters = network.initial_parameters(np.random.default_rng(1))
    return get_engine(engine).build(network, parameters, "cpu")


def measure_rapidity(case: str, engine: str, n_events: int) -> Callable[[], None]:
    """Epochs of an engine."""
    from rapidity.config.training import Adam
    from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches

    inputs = draw_inputs(case, n_events)
    model = build(case, engine, inputs)
    events = Batch(inputs, {"class": draw_target(n_events)})
    objective = Objective({"class": OutputObjective(N_CLASSES)})
    rng = np.random.default_rng(3)

    def run() -> None:
        batches = ResidentBatches(events, BATCH_SIZES[case], rng.permutation(n_events))
        model.train_epoch(batches, objective, Adam(type="adam"), lambda _: LEARNING_RATE, rng)

    return run


def loop_torch(case: str, module: Any, call: Callable[..., Any], inputs: Arrays) -> Callable[[], None]:
    """Return epochs of a loop written by hand: all tensors in memory, `index_select`, fused Adam."""
    import torch
    from torch.nn import functional

    tensors = [torch.from_numpy(values) for values in inputs.values()]
    n_events = len(tensors[0])
    target = torch.from_numpy(draw_target(n_events))
    optimizer = torch.optim.Adam(module.parameters(), lr=LEARNING_RATE, fused=True)
    module.train()

    def run() -> None:
        for rows in torch.randperm(n_events).split(BATCH_SIZES[case]):
            logits = call(*(tensor.index_select(0, rows) for tensor in tensors))
            loss = functional.cross_entropy(logits, target.index_select(0, rows))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return run


def measure_bare(case: str, n_events: int) -> Callable[[], None]:
    """Epochs of a loop written by hand around the module that Rapidity built."""
    inputs = draw_inputs(case, n_events)
    module = build(case, "torch", inputs).native
    return loop_torch(case, module, module, inputs)


def measure_weaver(case: str, n_events: int) -> Callable[[], None]:
    """Epochs of the same loop around weaver's network of the same sizes, which sees all constituents."""
    inputs = draw_inputs(case, n_events)
    if case == "particle_net":
        from weaver.nn.model.ParticleNet import ParticleNet

        sizes = [(16, (width,) * 3) for width in (64, 128, 256)]
        net = ParticleNet(N_FEATURES, N_CLASSES, conv_params=sizes, fc_params=[(256, 0.1)], use_fusion=False)

        def call(jets: Any, mask: Any, places: Any) -> Any:
            return net(*(x.transpose(1, 2).contiguous() for x in (places, jets)), mask.unsqueeze(1))
    else:
        from weaver.nn.model.ParticleTransformer import ParticleTransformer

        # Its trimming would leave out some constituents of every batch at random.
        net = ParticleTransformer(N_FEATURES, N_CLASSES, trim=False)

        def call(jets: Any, mask: Any, momenta: Any) -> Any:
            features, vectors = (x.transpose(1, 2).contiguous() for x in (jets, momenta))
            return net(features, v=vectors, mask=mask.unsqueeze(1).bool())

    return loop_torch(case, net, call, inputs)


def measure(case: str, name: str, n_events: int) -> Callable[[], None]:
    """Return the epochs of a contender."""
    match name:
        case "bare":
            return measure_bare(case, n_events)
        case "weaver":
            return measure_weaver(case, n_events)
    return measure_rapidity(case, name, n_events)


def serve(case: str, name: str, n_events: int, connection: Connection) -> None:
    """Build a contender, warm it up, then time an epoch whenever asked."""
    warnings.simplefilter("ignore")
    run = measure(case, name, n_events)
    run()
    connection.send("ready")
    while connection.recv():
        start = time.perf_counter()
        run()
        connection.send(n_events / (time.perf_counter() - start))


def race(case: str, names: list[str], n_events: int, repeats: int) -> dict[str, list[float]]:
    """Return events per second of every repeat of every contender."""
    lanes: dict[str, Connection] = {}
    context = multiprocessing.get_context("spawn")
    for name in names:
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(case, name, n_events, theirs), daemon=True).start()
        theirs.close()
        ours.recv()
        lanes[name] = ours
    rates: dict[str, list[float]] = {name: [] for name in names}
    for repeat in range(repeats):
        # Another one begins each time: nobody always follows the same neighbour.
        for name in names[repeat % len(names) :] + names[: repeat % len(names)]:
            lanes[name].send(True)
            rates[name].append(lanes[name].recv())
    for connection in lanes.values():
        connection.send(False)
    return rates


def report(case: str, rates: dict[str, list[float]]) -> None:
    """Print the rows of a Markdown table: medians, and ratios taken within the repeats."""
    for name, values in rates.items():
        numbers = (statistics.median(values), min(values), max(values))
        row = " | ".join([f"| {case}", TITLES[name], *(f"{number:,.0f}" for number in numbers)])
        if name == "torch":
            print(f"{row} | | | |")
            continue
        pairs = list(zip(rates["torch"], values, strict=True))
        ratios = [own / torch if name == "numpy" else torch / own for torch, own in pairs]
        what = "it over `torch`" if name == "numpy" else "`torch` over it"
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        target = f">= {TARGETS[name]:g}"
        print(f"{row} | {what} {statistics.median(ratios):.2f} | {spread} | {target} |", flush=True)


def main() -> None:
    """Run the races."""
    parser = argparse.ArgumentParser(description="Events per second of training on clouds and images.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8, help="steps in a repeat, which is an epoch")
    parser.add_argument("--only", nargs="+", choices=list(BATCH_SIZES), default=list(BATCH_SIZES))
    arguments = parser.parse_args()
    is_there = importlib.util.find_spec("weaver") is not None
    print(
        f"jets of up to {N_CONSTITUENTS} constituents, images 32 x 32 x 3, batch 64, Adam, "
        f"{arguments.repeats} repeats of {arguments.steps} steps, {os.cpu_count()} cores"
    )
    if not is_there:
        print("weaver is absent: pip install --no-deps weaver-core")
    print("\n| network | contender | events/s (median) | lowest | highest | ratio | within | target |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for case in arguments.only:
        with_weaver = is_there and case != "resnet"
        names = ["torch", "bare", *(["weaver"] if with_weaver else []), "numpy"]
        n_events = BATCH_SIZES[case] * arguments.steps
        report(case, race(case, names, n_events, arguments.repeats))


if __name__ == "__main__":
    main()
