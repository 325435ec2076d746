"""The function of the lab as a PyTorch module, with a backward pass of its own beside PyTorch's."""

from __future__ import annotations

import numpy as np
import torch

import rapidity.autodiff as ad
from rapidity.autodiff.tape import Node

EXPRESSION = "w0*x1 + sin(w1*x2)/x3"


class Graph(torch.nn.Module):
    """``w0 * x1 + sin(w1 * x2) / x3`` with the parameters w0 and w1."""

    def __init__(self, w0: float, w1: float) -> None:
        super().__init__()
        self.w0 = torch.nn.Parameter(torch.tensor(w0, dtype=torch.float64))
        self.w1 = torch.nn.Parameter(torch.tensor(w1, dtype=torch.float64))
        self.journal = ad.Journal()

    def forward(self, x1: torch.Tensor, x2: torch.Tensor, x3: torch.Tensor) -> torch.Tensor:
        """Return the value; PyTorch records it for its own backward pass."""
        return self.w0 * x1 + torch.sin(self.w1 * x2) / x3

    def my_forward_backward(
        self, x1: torch.Tensor, x2: torch.Tensor, x3: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the value and the gradients of its sum for w0 and w1, by a walk over our own graph.

        `journal` then tells which nodes were computed, and when each was freed.
        """
        self.journal = ad.Journal(keeps_values=True)
        place = ad.Workspace(journal=self.journal)
        leaves = {
            name: ad.tensor(parameter.detach().numpy(), requires_gradient=True, workspace=place)
            for name, parameter in self.named_parameters()
        }
        # Inputs require no gradient: what depends on them alone is computed, but not recorded.
        x1, x2, x3 = (ad.tensor(x.numpy(), workspace=place) for x in (x1, x2, x3))
        # No name is given to what stands in between, so each value lives as long as a rule needs it.
        value = leaves["w0"] * x1 + ad.sin(leaves["w1"] * x2) / x3
        self.journal.begin_backward()
        found = go_back(value)
        self.journal.end_backward()
        gradients = {name: torch.from_numpy(found[leaf].array) for name, leaf in leaves.items()}
        return torch.from_numpy(value.array), gradients


def go_back(value: ad.Tensor) -> dict[ad.Tensor, ad.Tensor]:
    """Return the gradient of the sum of a value for each leaf that requires one: `ad.backward` in short."""
    waiting = {value.node: ad.tensor(np.ones(value.shape), workspace=value.workspace)}
    leaves: dict[ad.Tensor, ad.Tensor] = {}
    while waiting:
        # The deepest node is next: everything that flows into it has arrived by then.
        node = max(waiting, key=lambda each: each.depth)
        gradient = waiting.pop(node)
        node.workspace.journal.visit(node.entry, gradient.array)
        for index, source in enumerate(node.sources):
            if source is None:
                continue  # an input: its rule is not run
            vjp = node.operation.vjp(index)
            arriving = vjp.rule(gradient, *node.needed(vjp, is_differentiable=False))
            if arriving.shape != node.shapes[index]:
                arriving = arriving.sum()  # a single number was broadcast over the events
            totals = waiting if isinstance(source, Node) else leaves
            totals[source] = totals[source] + arriving if source in totals else arriving
        node.saved = None  # what the rules of this node needed is freed here
    return leaves
