"""What every layer declares: its YAML keys, its shape rule and its parameters.

Shapes here are those of one event, without the leading ``n_events``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from rapidity.core.block import Block

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.network.initializers import Initializer

Shape = tuple[int, ...]
NAME_PATTERN = r"^[A-Za-z_][\w-]*$"


class ShapeError(ValueError):
    """The shapes that reach a layer do not fit it; the graph adds which layer and which shapes.

    Examples
    --------
    >>> str(ShapeError(needs="one input", cure="Join them with 'concatenate' first"))
    "needs one input. Join them with 'concatenate' first"
    """

    def __init__(self, needs: str, cure: str) -> None:
        super().__init__(f"needs {needs}. {cure}")
        self.needs = needs
        self.cure = cure


@dataclass(frozen=True)
class ParameterSpec:
    """One array of numbers that a layer owns.

    Attributes
    ----------
    name
        Field's name of the array inside the layer: ``kernel``, ``bias``, ``scale``, ...
    shape
        Canonical layout; a dense kernel is ``(n_in, n_out)``.
    initializer
        How the first values are drawn.
    fan_in, fan_out
        Numbers of connections into and out of one unit, for initialisers that need them.
    is_trained
        False for running statistics.
    factor
        What the drawn values are multiplied by.
    rate_factor
        Learning rate of these numbers over that of the network.
    decay_factor
        Weight decay of these numbers over that of the optimiser.
    """

    name: str
    shape: Shape
    initializer: Initializer
    fan_in: int = 0
    fan_out: int = 0
    is_trained: bool = True
    factor: float = 1.0
    rate_factor: float = 1.0
    decay_factor: float = 1.0

    @property
    def is_kernel(self) -> bool:
        """Whether L1 and L2 penalties apply."""
        return self.name == "kernel" or self.name.endswith("_kernel")


class Layer(Block):
    """Base of all layers; `type` and the keys of its own come with each."""

    is_continuous: ClassVar[bool] = True
    """False of a layer whose result jumps where its inputs change by next to nothing, so that two libraries,
    which round differently, may give two results; `artefact.parity` then lets a few events differ."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    """Name for other layers' `inputs` and for reports; made from the type when left out."""
    inputs: str | tuple[str, ...] | None = None
    """Names of inputs or earlier layers; left out, the layer before (for the first: all inputs)."""

    @property
    def kind(self) -> str:
        """The `type` in YAML."""
        return str(getattr(self, "type"))  # noqa: B009 - each layer narrows `type` to its own literal

    @property
    def default_name(self) -> str:
        """Stem of the name that a layer without `name` gets."""
        return self.kind

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the result for the shapes of the inputs; a ShapeError says what is wrong."""
        raise NotImplementedError

    def further_results(self, shapes: Sequence[Shape]) -> Mapping[str, Shape]:
        """Return name -> shape of what can be asked for beside the result, as ``<node>.<name>``."""
        return {}

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return the parameters that the layer needs for inputs of these shapes; most have none."""
        return ()
