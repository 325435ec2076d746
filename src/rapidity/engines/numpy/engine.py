"""The engine: declared networks become models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from rapidity.core.errors import EngineError
from rapidity.engines.engine import check_parameters, refuse_onnx
from rapidity.engines.numpy.model import NumpyModel
from rapidity.engines.numpy.module import GraphModule
from rapidity.engines.numpy.wrapping import refuse_module

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from rapidity.core.records import Model, Parameters
    from rapidity.engines.engine import DeviceName, Precision
    from rapidity.network import Network, Shape


class NumpyEngine:
    """Networks as operations of `rapidity.autodiff` (`rapidity.engines.engine.Engine`)."""

    name = "numpy"

    def build(
        self,
        network: Network,
        parameters: Parameters,
        device: DeviceName = "auto",
        precision: Precision = "float32",
    ) -> NumpyModel:
        """Return the network with these parameters, ready to train and to predict.

        Raises
        ------
        EngineError
            If the parameters are not those of the network, or a GPU or 16 bits are asked for.
        """
        check_parameters(network, parameters)
        check_device(device, precision)
        model = NumpyModel(GraphModule(network))
        model.load_parameters(parameters)
        return model

    def wrap(
        self,
        module: Any,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, int],
        device: DeviceName = "auto",
        precision: Precision = "float32",
        rng: np.random.Generator | None = None,
    ) -> NoReturn:
        """Refuse a user's own module: nothing could turn it into ONNX, which every run delivers.

        Raises
        ------
        EngineError
            Always; it says what to do instead.
        """
        refuse_module(module)

    def describe(self, model: Model) -> tuple[Network, Parameters]:
        """Return the network that a model was built from, with its parameters."""
        if not isinstance(model, NumpyModel):
            message = f"engine 'numpy' describes its own models, found {type(model).__name__}."
            raise EngineError(message)
        return model.native.network, model.parameters()

    def to_onnx(self, model: Model) -> NoReturn:
        """Refuse: models of this engine are written from what `describe` returns.

        Raises
        ------
        ExportError
            Always.
        """
        refuse_onnx(self.name)


def check_device(device: DeviceName, precision: Precision) -> None:
    """Raise an EngineError unless the CPU and 32 bits will do."""
    if device == "gpu":
        message = (
            "training.device is 'gpu', but engine 'numpy' computes on the CPU."
            " Set device: auto or cpu, or an engine that uses a GPU (engine: torch)."
        )
        raise EngineError(message)
    if precision == "mixed":
        message = (
            "training.precision is 'mixed', which needs a GPU, but engine 'numpy' computes in 32 bits on the"
            " CPU. Set precision: float32, or engine: torch on a machine with a GPU."
        )
        raise EngineError(message)
