"""An expression as a computational graph: its value, its gradients, and what happened to each node."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import rapidity.autodiff as ad
from rapidity.autodiff import namespace
from rapidity.autodiff.description import describe_nodes
from rapidity.core.errors import (
    ConfigError,
    DataError,
    EngineError,
    ExpressionError,
    MissingNameError,
    closest,
    shorten,
)
from rapidity.engines import ENGINES
from rapidity.expressions import parse_expression
from rapidity.expressions.tree import Column, Constant, ObjectTerm, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from rapidity.autodiff.description import GraphNode
    from rapidity.expressions import Expression
    from rapidity.expressions.tree import Term

    Values = dict[str, NDArray[np.float64]]

FILE_STEM = "graph"
FORMATS = ("svg", "png", "onnx")
AGREEMENT = 1e-12
"""Relative difference of gradients in float64 that the order of roundings explains."""


@dataclass(frozen=True)
class TorchComparison:
    """What PyTorch's autograd says of the same expression.

    Attributes
    ----------
    value, gradients
        Largest differences, relative to the larger of both.
    """

    value: float
    gradients: dict[str, float]

    @property
    def agrees(self) -> bool:
        """Whether all differences are such as roundings make."""
        return all(difference <= AGREEMENT for difference in (self.value, *self.gradients.values()))


@dataclass(frozen=True)
class ComputationalGraph:
    """An expression, computed and differentiated.

    Attributes
    ----------
    value
        Of the expression.
    gradients
        Parameter -> gradient of the sum of the value.
    journal
        What was computed, visited and freed, with the live bytes.
    torch
        None where it is left out; `torch_note` then says why.
    """

    expression: Expression
    parameters: Values
    inputs: Values
    value: NDArray[Any]
    gradients: Values
    nodes: tuple[GraphNode, ...]
    journal: ad.Journal = field(repr=False)
    torch: TorchComparison | None
    torch_note: str

    @property
    def skipped(self) -> tuple[GraphNode, ...]:
        """Operations that the backward pass did not visit."""
        return tuple(node for node in self.nodes if node.kind == "operation" and not node.is_visited)

    def summary(self) -> str:
        """Return in a few lines what was computed, skipped and freed, and what PyTorch says."""
        skipped = ", ".join(f"#{node.number}" for node in self.skipped)
        lines = [
            self.journal.summary(),
            f"skipped in the backward pass, as no parameter stands behind them: {skipped or 'none'}",
        ]
        if self.torch is None:
            lines.append(f"no comparison with PyTorch's autograd: {self.torch_note}")
        else:
            worst = max((self.torch.value, *self.torch.gradients.values()))
            verdict = "agrees" if self.torch.agrees else "DIFFERS"
            lines.append(f"PyTorch's autograd {verdict}: largest relative difference {worst:.1e}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        torch = self.torch
        return {
            "expression": self.expression.text,
            "value": self.value.tolist(),
            "gradients": {name: gradient.tolist() for name, gradient in self.gradients.items()},
            "nodes": [node.to_dict() for node in self.nodes],
            "computed": len(self.journal.computed),
            "computed_backward": len(self.journal.gradients),
            "skipped": [node.number for node in self.skipped],
            "peak_bytes": self.journal.peak_bytes,
            "torch_note": self.torch_note,
            "torch": torch
            and {"agrees": torch.agrees, "value": torch.value, "gradients": dict(torch.gradients)},
        }

    def write(self, path: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write a drawing (``.svg``, ``.png``) or the graph as ONNX (``.onnx``); into a folder, all three.

        Returns
        -------
        list of Path
            What was written: the file, or ``graph.svg``, ``graph.png`` and ``graph.onnx`` in the folder.

        Raises
        ------
        ConfigError
            If the suffix is none of these.
        DataError
            If a file is there already and `overwrite` is not set.
        """
        path = Path(path)
        kind = path.suffix.lstrip(".")
        if kind and kind not in FORMATS and not path.is_dir():
            message = (
                f"a graph cannot be written into '{path.name}': its suffix must be"
                f" {', '.join(f'.{each}' for each in FORMATS)}, or none for a folder with all of them."
            )
            raise ConfigError(message)
        is_file = kind in FORMATS and not path.is_dir()
        paths = [path] if is_file else [path / f"{FILE_STEM}.{each}" for each in FORMATS]
        existing = [each for each in paths if each.exists()]
        if existing and not overwrite:
            message = f"already there: {shorten(existing)}. Choose another name, or set --overwrite."
            raise DataError(message)
        for each in paths:
            self._write_one(each)
        return paths

    def _write_one(self, path: Path) -> None:
        if path.suffix == ".onnx":
            from rapidity.artefact.expression_graph import write_expression_graph

            write_expression_graph(path, self.expression, self.parameters, self.inputs)
        else:
            from rapidity.report import draw_computational_graph

            draw_computational_graph(self.nodes, path, title=self.expression.text)


def compute_graph(
    expression: str,
    parameters: Mapping[str, ArrayLike] | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
) -> ComputationalGraph:
    """Return the value of an expression, its gradients, and what happened to each node of its graph.

    Everything is computed in float64 by `rapidity.autodiff`, and by PyTorch too where that is installed.

    Parameters
    ----------
    expression
        In the language of features: arithmetic, comparisons and the functions of the guide.
    parameters
        Name -> value of what is differentiated by.
    inputs
        Name -> value of everything else. Shapes broadcast.

    Raises
    ------
    ExpressionError
        If the expression is not in the language.
    MissingNameError
        If a name in it has no value.
    ConfigError
        If a value has no use, a name is both parameter and input, or two shapes do not broadcast.

    Examples
    --------
    >>> graph = compute_graph("w0*x1 + sin(w1*x2)/x3", {"w0": 0.5, "w1": 2}, {"x1": 1, "x2": 0.25, "x3": 4})
    >>> graph.value.round(6).item(), {name: g.round(6).item() for name, g in graph.gradients.items()}
    (0.619856, {'w0': 1.0, 'w1': 0.054849})
    """
    given = {name: np.asarray(value, np.float64) for name, value in (parameters or {}).items()}
    fixed = {name: np.asarray(value, np.float64) for name, value in (inputs or {}).items()}
    parsed = parse_expression(expression)
    _check_names(parsed, given, fixed)
    _check_shapes({**given, **fixed})
    journal = ad.Journal(keeps_values=True)
    workspace = ad.Workspace(journal=journal)
    leaves = {
        name: ad.tensor(array.copy(), requires_gradient=name in given, workspace=workspace)
        for name, array in {**given, **fixed}.items()
    }
    for leaf in leaves.values():
        journal.number_of(leaf.array)
    # Undefined results are part of the answer; they become NaN or infinite.
    with np.errstate(all="ignore"):
        value = _evaluate(parsed.term, leaves, workspace)
        if value.node is not None or value.requires_gradient:
            value.backward(np.ones(value.shape))
    gradients = {name: _gradient(leaves[name]) for name in given}
    return ComputationalGraph(
        parsed,
        given,
        fixed,
        value.array.copy(),
        gradients,
        describe_nodes(journal, leaves),
        journal,
        *_compare_with_torch(parsed, given, fixed, value.array, gradients),
    )


def _gradient(leaf: ad.Tensor) -> NDArray[np.float64]:
    """Return what arrived at a parameter; zeros if the value changes in jumps with it only."""
    return np.zeros(leaf.shape) if leaf.gradient is None else leaf.gradient.array


def _check_names(expression: Expression, parameters: Values, inputs: Values) -> None:
    both = sorted({*parameters} & {*inputs})
    if both:
        message = f"{shorten(both)} cannot be both a parameter and an input. Give it as one of them."
        raise ConfigError(message)
    names = {**parameters, **inputs}
    missing = [name for name in expression.columns if name not in names]
    unused = [name for name in names if name not in expression.columns]
    if missing:
        hints = [
            f"'{name}' has no value (did you mean '{near[0]}'?)" if near else f"'{name}' has no value"
            for name in missing
            for near in [closest(name, unused)]
        ]
        message = (
            f"expression '{expression.text}': {', '.join(hints)}. Give one with --parameter or --input, such"
            f" as --input {missing[0]}=1."
        )
        raise MissingNameError(message)
    if unused:
        message = (
            f"{shorten(unused)} has a value, but expression '{expression.text}' does not use it; it uses"
            f" {shorten(expression.columns)}. Leave it out, or correct the name."
        )
        raise ConfigError(message)


def _check_shapes(values: Values) -> None:
    for (first, a), (second, b) in itertools.combinations(values.items(), 2):
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            message = (
                f"the shapes of '{first}' {a.shape} and '{second}' {b.shape} do not fit: counted from the"
                " last, extents must be equal or 1. Give both the same number of values, or one of them one."
            )
            raise ConfigError(message) from None


def _evaluate(term: Term | ObjectTerm, leaves: Mapping[str, ad.Tensor], workspace: ad.Workspace) -> ad.Tensor:
    """Return the value of a term; intermediate values are dropped as soon as they are used."""
    match term:
        case Column(name):
            return leaves[name]
        case Constant(value):
            return ad.tensor(value, dtype=bool if isinstance(value, bool) else float, workspace=workspace)
        case Operation(function, arguments):
            values = [_evaluate(each, leaves, workspace) for each in arguments]
            # Features multiply the base by 1.0 first, for whole numbers; here everything is float64.
            if function == "**":
                return values[0] ** values[1]
            result: ad.Tensor = term.compute(namespace, *values)
            return result
        case ObjectTerm(name):
            message = f"'{name}' is an object; the graph is one of numbers."
            raise ExpressionError(message)


def _compare_with_torch(
    expression: Expression, parameters: Values, inputs: Values, value: NDArray[Any], gradients: Values
) -> tuple[TorchComparison | None, str]:
    """Return the comparison and an empty text, or None and the reason."""
    if not ENGINES["torch"].is_installed:
        return None, "PyTorch is not installed (pip install 'rapidity[torch]')"
    from rapidity.engines.torch.autograd import differentiate

    try:
        torch_value, torch_gradients = differentiate(expression, parameters, inputs)
    except EngineError as error:
        return None, str(error)
    differences = {name: _difference(gradients[name], torch_gradients[name]) for name in gradients}
    return TorchComparison(_difference(value, torch_value), differences), ""


def _difference(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Return the largest difference relative to the larger one; equal infinities and NaNs do not differ."""
    a, b = np.broadcast_arrays(np.asarray(ours, float), np.asarray(theirs, float))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    with np.errstate(all="ignore"):
        relative = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
    return float(np.nan_to_num(relative[~same], nan=np.inf).max())
