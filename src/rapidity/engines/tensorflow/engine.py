"""The engine: networks and users' own Keras models become models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import keras
import tensorflow as tf

from rapidity.core.errors import EngineError
from rapidity.engines.engine import check_parameters, refuse_onnx
from rapidity.engines.tensorflow.describing import describe_foreign
from rapidity.engines.tensorflow.device import choose_device, seeded
from rapidity.engines.tensorflow.model import TensorflowModel
from rapidity.engines.tensorflow.module import build_native
from rapidity.engines.tensorflow.wrapping import wrap_native

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from rapidity.core.records import Model, Parameters
    from rapidity.engines.engine import DeviceName, Precision
    from rapidity.network import Network, Shape


class TensorflowEngine:
    """Networks as Keras models on TensorFlow (`rapidity.engines.engine.Engine`)."""

    name = "tensorflow"

    def build(
        self,
        network: Network,
        parameters: Parameters,
        device: DeviceName = "auto",
        precision: Precision = "float32",
    ) -> TensorflowModel:
        """Return the network with these parameters, ready to train and to predict.

        Raises
        ------
        EngineError
            If the parameters are not those of the network, the device is not there, or 16 bits are asked for.
        """
        check_parameters(network, parameters)
        place = choose_device(device, precision)
        with tf.device(place):
            model = TensorflowModel(build_native(network), place)
            model.load_parameters(parameters)
        return model

    def wrap(
        self,
        module: Any | Callable[[Mapping[str, Shape]], Any],
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, int],
        device: DeviceName = "auto",
        precision: Precision = "float32",
        rng: np.random.Generator | None = None,
    ) -> TensorflowModel:
        """Return a user's own `keras.Model` as a model; it is trained in place.

        Parameters
        ----------
        module
            A functional or a Sequential model that takes the prepared inputs (by their names, else in order)
            and returns **logits**, ``(n_events, n_logits)``: one for two classes, else one a class; no
            sigmoid or softmax at the end. Several outputs: a list in the order of `outputs`, or a dictionary.
            Or a class or function that makes the model from input name -> shape.
        inputs, outputs
            Input name -> shape of one event; output name -> number of logits.
        rng
            Seeds the initialisers of Keras while such a class or function makes the model.

        Raises
        ------
        EngineError
            If the model does not fit the inputs, a trial with two events fails, the result has another shape,
            or it is a probability.
        """
        place = choose_device(device, precision)
        with tf.device(place), seeded(rng):
            is_made = isinstance(module, keras.Model) or not callable(module)
            native = wrap_native(module if is_made else module(inputs), inputs, outputs)
        return TensorflowModel(native, place)

    def describe(self, model: Model) -> tuple[Network, Parameters]:
        """Return a model as a declared network with its parameters.

        Raises
        ------
        ExportError
            If a user's own model has a layer that no declared layer stands for.
        """
        if not isinstance(model, TensorflowModel):
            message = f"engine 'tensorflow' describes its own models, found {type(model).__name__}."
            raise EngineError(message)
        if model.network.declared is not None:
            return model.network.declared, model.parameters()
        return describe_foreign(model.network)

    def to_onnx(self, model: Model) -> NoReturn:
        """Refuse: models of this engine are written from what `describe` returns.

        Raises
        ------
        ExportError
            Always.
        """
        refuse_onnx(self.name)
