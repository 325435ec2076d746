"""What every engine offers, and the checks that they share."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, TypeVar

from rapidity.core.errors import EngineError, ExportError, closest, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np

    from rapidity.core.records import Model, Parameters
    from rapidity.network import Network, Node, Shape

Lowering = TypeVar("Lowering")
DeviceName = Literal["auto", "cpu", "gpu"]
Precision = Literal["float32", "mixed"]


class Engine(Protocol):
    """Builds declared networks out of its own native objects."""

    @property
    def name(self) -> str:
        """Name in YAML."""
        ...

    def build(
        self,
        network: Network,
        parameters: Parameters,
        device: DeviceName = "auto",
        precision: Precision = "float32",
    ) -> Model:
        """Return the network with these parameters, ready to train and to predict."""
        ...

    def wrap(
        self,
        module: Any,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, int],
        device: DeviceName = "auto",
        precision: Precision = "float32",
        rng: np.random.Generator | None = None,
    ) -> Model:
        """Return a user's own native object as a model; `outputs` gives the number of logits of each.

        `module` may also be a class or function that makes the object from input name -> shape; `rng` then
        drives its initial parameters.
        """
        ...

    def describe(self, model: Model) -> tuple[Network, Parameters] | None:
        """Return the model as a declared network with its parameters, which is written as ONNX like any.

        None where a user's own native object cannot be read so; `to_onnx` then exports it.

        Raises
        ------
        ExportError
            If the object can be read, and has a layer that no declared one stands for.
        """
        ...

    def to_onnx(self, model: Model) -> bytes:
        """Return the model as ONNX: inputs by their names, outputs ``<output>_logits``, any batch size.

        Only asked for where `describe` returns None.
        """
        ...


def refuse_onnx(engine: str) -> NoReturn:
    """Raise the ExportError of an engine that can describe all its models, and so writes no ONNX."""
    message = (
        f"engine '{engine}' writes no ONNX itself. Take the network and the parameters that `describe`"
        " returns, and write them with rapidity.artefact.write_model."
    )
    raise ExportError(message)


def find_lowering(lowerings: Mapping[str, Lowering], engine: str, node: Node) -> Lowering:
    """Return the lowering of a node's layer out of the table of an engine.

    Raises
    ------
    EngineError
        If the engine lacks the layer; the message names the installed engines that have it.
    """
    kind = node.layer.kind
    if kind in lowerings:
        return lowerings[kind]
    others = [other for other in _engines_with_layer(kind) if other != engine]
    cure = (
        f"Set engine: {' or '.join(others)}, which can" if others else "No other installed engine can either"
    )
    message = f"engine '{engine}' cannot build layer '{node.name}': it has no lowering of '{kind}'. {cure}."
    raise EngineError(message)


def _engines_with_layer(kind: str) -> list[str]:
    """Return the installed engines that can build a kind of layer; this imports their libraries."""
    from rapidity.engines import ENGINES

    return [
        name
        for name, entry in ENGINES.items()
        if entry.is_installed and kind in importlib.import_module(f"{entry.module}.layers").LOWERINGS
    ]


def check_parameters(network: Network, parameters: Parameters) -> None:
    """Raise an EngineError unless names and shapes are those that the network declares."""
    expected = {name: spec.shape for name, spec in network.parameter_specs().items()}
    check_shapes("the network", expected, {name: array.shape for name, array in parameters.items()})


def check_shapes(
    owner: str, expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise an EngineError that lists what is missing, left over, or of another shape."""
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected]
    misfits = [
        f"{name} {found[name]} instead of {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    problems = [
        f"{what}: {shorten(names)}"
        for what, names in (("missing", missing), ("not known", unknown), ("wrong shape", misfits))
        if names
    ]
    if problems:
        message = (
            f"these parameters are not those of {owner}: {'; '.join(problems)}."
            " Take parameters that the same network configuration made."
        )
        raise EngineError(message)


def check_layer_names(names: Sequence[str], layers: Collection[str]) -> None:
    """Raise an EngineError unless a model has all these layers; it names the near ones."""
    for name in names:
        if name not in layers:
            near = closest(name, layers)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            message = f"the model has no layer '{name}'.{hint} Layers: {shorten(layers)}"
            raise EngineError(message)
