"""ONNX of a model through `torch.onnx.export`: the way out for users' own modules.

Declared networks have a writer of their own in `artefact`, which needs no PyTorch.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rapidity.core.errors import ExportError
from rapidity.network import head_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.engines.torch.model import TorchModel
    from rapidity.engines.torch.module import Forward

OPSET = 18
"""The opset that `artefact` pins, whose graph goes below this one."""
N_TRACED_EVENTS = 2
"""A batch of one would be taken for a constant."""


class LogitsModule(nn.Module):
    """A module with its outputs in shape, as a module again."""

    def __init__(self, module: nn.Module, forward: Forward) -> None:
        super().__init__()
        self.module = module
        self._in_shape = forward

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of each output."""
        return self._in_shape(*inputs)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence what the exporter says about its internals, and about axes that rightly share a name."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def export_onnx(model: TorchModel) -> bytes:
    """Return the model as ONNX: inputs by name, outputs ``<output>_logits``, any number of events.

    Raises
    ------
    ExportError
        If torch cannot trace the module; its own message says where.
    """
    network = model.network
    examples = tuple(
        torch.zeros((N_TRACED_EVENTS, *shape), device=model.device) for shape in network.inputs.values()
    )
    n_events = torch.export.Dim("n_events")
    with model.evaluating(), _quiet_exporter():
        try:
            program = torch.onnx.export(
                LogitsModule(network.module, network.forward).eval(),
                examples,
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=list(network.inputs),
                output_names=[head_name(name) for name in network.outputs],
                dynamic_shapes=(tuple({0: n_events} for _ in examples),),
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            message = (
                f"module {type(network.module).__name__} cannot be exported by torch.onnx.export: {error}\n"
                "  Its forward must be made of operations on tensors, without decisions that depend on values"
                " or on the number of events."
            )
            raise ExportError(message) from error
    if program is None:
        message = "torch.onnx.export returned nothing. Update PyTorch to 2.5 or newer."
        raise ExportError(message)
    return bytes(program.model_proto.SerializeToString())
