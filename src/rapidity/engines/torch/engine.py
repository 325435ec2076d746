"""The engine: networks and users' own modules become models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from rapidity.core.errors import EngineError
from rapidity.engines.engine import check_parameters
from rapidity.engines.torch.device import choose_device, preserved_random_state, seeded
from rapidity.engines.torch.model import TorchModel
from rapidity.engines.torch.module import build_native
from rapidity.engines.torch.wrapping import wrap_native

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from rapidity.core.records import Model, Parameters
    from rapidity.engines.engine import DeviceName, Precision
    from rapidity.network import Network, Shape


class TorchEngine:
    """Networks as `torch.nn` modules (`rapidity.engines.engine.Engine`)."""

    name = "torch"

    def build(
        self,
        network: Network,
        parameters: Parameters,
        device: DeviceName = "auto",
        precision: Precision = "float32",
    ) -> TorchModel:
        """Return the network with these parameters, ready to train and to predict.

        Raises
        ------
        EngineError
            If the parameters are not those of the network, or the device is not there.
        """
        check_parameters(network, parameters)
        place = choose_device(device, precision)
        with preserved_random_state():
            native = build_native(network, place)
        model = TorchModel(native, place, precision)
        model.load_parameters(parameters)
        return model

    def wrap(
        self,
        module: nn.Module | Callable[[Mapping[str, Shape]], nn.Module],
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, int],
        device: DeviceName = "auto",
        precision: Precision = "float32",
        rng: np.random.Generator | None = None,
    ) -> TorchModel:
        """Return a user's own module as a model; it is trained in place.

        Parameters
        ----------
        module
            Its forward takes the prepared inputs in order and returns **logits**, ``(n_events, n_logits)``:
            one for two classes, else one a class; no sigmoid or softmax at the end. Several outputs: a tuple
            in the order of `outputs`, or a dictionary. Or a class or function that makes the module from
            input name -> shape.
        inputs, outputs
            Input name -> shape of one event; output name -> number of logits.
        rng
            Seeds torch while such a class or function makes the module.

        Raises
        ------
        EngineError
            If a trial with two events fails, the result has another shape, or it is a probability.
        """
        place = choose_device(device, precision)
        with preserved_random_state() if rng is None else seeded(rng, place):
            made = module if isinstance(module, nn.Module) or not callable(module) else module(inputs)
            native = wrap_native(made, inputs, outputs, place)
        return TorchModel(native, place, precision)

    def describe(self, model: Model) -> tuple[Network, Parameters] | None:
        """Return a declared network with its parameters; None for a user's own module.

        Such a module may compute anything, so torch itself exports it (`to_onnx`).
        """
        network = _own_model(model).network.declared
        return None if network is None else (network, model.parameters())

    def to_onnx(self, model: Model) -> bytes:
        """Return the model as ONNX: inputs by their names, outputs ``<output>_logits``, any batch size."""
        # torch.onnx is slow to import and most runs never need it.
        from rapidity.engines.torch.export import export_onnx

        return export_onnx(_own_model(model))


def _own_model(model: Model) -> TorchModel:
    if not isinstance(model, TorchModel):
        message = f"engine 'torch' exports its own models, found {type(model).__name__}."
        raise EngineError(message)
    return model
