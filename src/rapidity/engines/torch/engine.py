"""The engine: networks and users' own modules become models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.engines.engine import check_parameters
from rapidity.engines.torch.device import choose_device, preserved_random_state
from rapidity.engines.torch.model import TorchModel
from rapidity.engines.torch.module import build_native

if TYPE_CHECKING:
    from rapidity.core.records import Parameters
    from rapidity.engines.engine import DeviceName, Precision
    from rapidity.network import Network


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
