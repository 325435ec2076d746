"""A user's own `nn.Module` as a model: its outputs put in shape, its tensors found, mistakes caught early."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rapidity.core.errors import EngineError, shorten
from rapidity.engines.torch.module import Forward, NativeNetwork, TensorSlot
from rapidity.network import describe_shape, head_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network import Shape

N_TRIAL_EVENTS = 2
MIN_EVENTS_FOR_CHECK = 100
"""With fewer events, logits may lie in [0, 1] by chance."""

FINAL_ACTIVATIONS = ("Sigmoid", "Softmax", "Hardsigmoid")
RESHAPES = ("View", "ReshapeAlias", "UnsafeView", "Squeeze", "Unsqueeze", "Select", "Slice", "T", "Transpose",
            "Permute", "Clone", "ToCopy")  # fmt: skip


def wrap_native(
    module: object, inputs: Mapping[str, Shape], outputs: Mapping[str, int], device: torch.device
) -> NativeNetwork:
    """Return the module, moved to the device, after a trial with two events of zeros.

    Raises
    ------
    EngineError
        If it does not take the inputs, or does not give logits in the shape of the outputs.
    """
    if not isinstance(module, nn.Module):
        message = f"engine 'torch' wraps an instance of torch.nn.Module, found {module!r}."
        raise EngineError(message)
    module.to(device)
    forward = _in_shape(module, outputs)
    _try_out(module, forward, inputs, outputs, device)
    slots: dict[int, TensorSlot] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        if isinstance(tensor, Tensor):
            # A tensor that two places share is one parameter; its first name counts.
            slots.setdefault(id(tensor), TensorSlot(name, tensor, None, _is_kernel(name, tensor)))
    nodes = {name: part for name, part in module.named_modules() if name}
    return NativeNetwork(module, forward, dict(inputs), dict(outputs), tuple(slots.values()), nodes)


def _is_kernel(name: str, tensor: Tensor) -> bool:
    """Whether penalties apply: to what modules call weight, normalisations (one axis) excepted."""
    return isinstance(tensor, nn.Parameter) and name.rpartition(".")[2] == "weight" and tensor.dim() > 1


def _in_shape(module: nn.Module, outputs: Mapping[str, int]) -> Forward:
    """Return the module's call with its result as a tuple of ``(n_events, n_logits)``."""
    names = tuple(outputs)

    def forward(*inputs: Tensor) -> tuple[Tensor, ...]:
        result: Any = module(*inputs)
        if isinstance(result, Tensor):
            result = (result,)
        elif isinstance(result, dict):
            result = tuple(result[name if name in result else head_name(name)] for name in names)
        return tuple([logits.unsqueeze(1) if logits.dim() == 1 else logits for logits in result])

    return forward


def _try_out(
    module: nn.Module,
    forward: Forward,
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, int],
    device: torch.device,
) -> None:
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    zeros = [torch.zeros((N_TRIAL_EVENTS, *shape), device=device) for shape in inputs.values()]
    given = ", ".join(f"{name} {describe_shape(shape)}" for name, shape in inputs.items())
    name = type(module).__name__
    try:
        with torch.enable_grad():
            results = forward(*zeros)
    except (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        message = (
            f"module {name} failed on a trial with {N_TRIAL_EVENTS} events of the inputs {given}: {error}."
            " Its forward must take the inputs in this order and return the logits."
        )
        raise EngineError(message) from error
    finally:
        for part, was_training in modes:
            part.training = was_training
    _check_results(name, results, outputs)


def _check_results(module: str, results: tuple[Tensor, ...], outputs: Mapping[str, int]) -> None:
    expected = [(N_TRIAL_EVENTS, n_logits) for n_logits in outputs.values()]
    found = [tuple(logits.shape) for logits in results]
    if found != expected:
        wanted = ", ".join(f"{name} {describe_shape((n,))}" for name, n in outputs.items())
        got = shorten(describe_shape(shape[1:]) for shape in found) or "nothing"
        message = (
            f"module {module} returns {got}, but the outputs need {wanted}."
            " Return one logit for two classes, else one a class; several outputs as a tuple."
        )
        raise EngineError(message)
    for name, logits in zip(outputs, results, strict=True):
        last = _last_operation(logits)
        if last.startswith(FINAL_ACTIVATIONS):
            raise EngineError(_probabilities_message(module, name, f"ends in a {last.lower()}"))


def _last_operation(result: Tensor) -> str:
    """Return the name of the operation that made the values, changes of shape left out."""
    node: Any = result.grad_fn
    while node is not None:
        name = str(node.name()).partition("Backward")[0]
        if name not in RESHAPES or not node.next_functions:
            return name
        node = node.next_functions[0][0]
    return ""


def check_logits(module: str, output: str, logits: Tensor) -> None:
    """Warn if the values that a trained module gives for real events look like probabilities.

    What `wrap_native` cannot see: a sigmoid inside a compiled or hand-written operation.
    """
    if len(logits) < MIN_EVENTS_FOR_CHECK or bool(((logits < 0) | (logits > 1)).any()):
        return
    # One logit in [0, 1] can be chance where nearly all events are signal; rows that add up to 1 cannot.
    if logits.shape[1] == 1 or bool(((logits.sum(dim=1) - 1).abs() < 1e-4).all()):
        found = f"gives values in [0, 1] for all of {len(logits)} events"
        warnings.warn(_probabilities_message(module, output, found), UserWarning, stacklevel=2)


def _probabilities_message(module: str, output: str, found: str) -> str:
    return (
        f"module {module} {found} for output '{output}', but Rapidity needs logits: the loss and the"
        " exported model apply the final sigmoid or softmax themselves. Remove it from the module's forward."
    )
