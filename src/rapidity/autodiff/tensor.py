"""A tensor: an array, what made it, and the gradient that a backward pass left there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rapidity.autodiff.workspace import NO_WORKSPACE, Array, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, DTypeLike

    from rapidity.autodiff.tape import Node

Operand = Any
"""A tensor, an array or a number."""


class Tensor:
    """An array that knows how it was made.

    Operators work as those of NumPy arrays, broadcasting included; they are put in by `operators`.

    Parameters
    ----------
    array
        The values; shared, not copied.
    requires_gradient
        Whether a backward pass leaves a gradient here; only for tensors that no operation made (leaves).
    node
        The operation that made it, or None.
    """

    __slots__ = ("__weakref__", "array", "gradient", "node", "requires_gradient", "workspace")
    __array_priority__ = 1000
    """Above NumPy's, so that ``array * tensor`` is a tensor."""
    __array_ufunc__ = None

    def __init__(
        self,
        array: Array,
        *,
        requires_gradient: bool = False,
        workspace: Workspace = NO_WORKSPACE,
        node: Node | None = None,
    ) -> None:
        self.array = array
        self.node = node
        self.requires_gradient = requires_gradient
        self.workspace = workspace
        self.gradient: Tensor | None = None
        """What the backward passes so far have added up; None before the first."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent of each axis."""
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """Number of values."""
        return self.array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.array.dtype

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.node is None

    def numpy(self) -> Array:
        """Return the array itself, not a copy."""
        return self.array

    def item(self) -> float:
        """Return the only value as a number."""
        return float(self.array.item())

    def detach(self) -> Tensor:
        """Return a tensor of the same array that knows nothing of what made it."""
        return Tensor(self.array, workspace=self.workspace)

    def backward(self, gradient: Operand = None, *, retain_graph: bool = False) -> None:
        """Add the gradient of this tensor to every leaf that requires one; see `autodiff.backward`."""
        from rapidity.autodiff.backward_pass import backward

        backward(self, gradient, retain_graph=retain_graph)

    def __len__(self) -> int:
        return len(self.array)

    def __repr__(self) -> str:
        made = f", made by {self.node.operation.name}" if self.node is not None else ""
        required = ", requires_gradient=True" if self.requires_gradient else ""
        return f"Tensor({np.array2string(self.array, separator=', ')}{required}{made})"

    def __bool__(self) -> bool:
        return bool(self.array)

    __hash__ = object.__hash__
    """By identity: `==` compares value by value, as with arrays."""

    if TYPE_CHECKING:
        # `operators` puts these in: they are made of operations, which are made of tensors.
        def __add__(self, other: Operand) -> Tensor: ...
        def __radd__(self, other: Operand) -> Tensor: ...
        def __sub__(self, other: Operand) -> Tensor: ...
        def __rsub__(self, other: Operand) -> Tensor: ...
        def __mul__(self, other: Operand) -> Tensor: ...
        def __rmul__(self, other: Operand) -> Tensor: ...
        def __truediv__(self, other: Operand) -> Tensor: ...
        def __rtruediv__(self, other: Operand) -> Tensor: ...
        def __floordiv__(self, other: Operand) -> Tensor: ...
        def __rfloordiv__(self, other: Operand) -> Tensor: ...
        def __mod__(self, other: Operand) -> Tensor: ...
        def __rmod__(self, other: Operand) -> Tensor: ...
        def __pow__(self, other: Operand) -> Tensor: ...
        def __rpow__(self, other: Operand) -> Tensor: ...
        def __matmul__(self, other: Operand) -> Tensor: ...
        def __rmatmul__(self, other: Operand) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __lt__(self, other: Operand) -> Tensor: ...
        def __le__(self, other: Operand) -> Tensor: ...
        def __gt__(self, other: Operand) -> Tensor: ...
        def __ge__(self, other: Operand) -> Tensor: ...
        def __eq__(self, other: Operand) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Operand) -> Tensor: ...  # type: ignore[override]
        def __and__(self, other: Operand) -> Tensor: ...
        def __or__(self, other: Operand) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...

        sum: Callable[..., Tensor]
        mean: Callable[..., Tensor]
        max: Callable[..., Tensor]
        min: Callable[..., Tensor]
        reshape: Callable[..., Tensor]
        transpose: Callable[..., Tensor]
        astype: Callable[..., Tensor]

    def __iter__(self) -> Self:
        # Without this Python would try __getitem__ with 0, 1, 2, ... for ever on a scalar.
        message = "a tensor is not iterated over; index it, or take tensor.numpy()"
        raise TypeError(message)


def tensor(
    values: ArrayLike | Tensor,
    *,
    requires_gradient: bool = False,
    dtype: DTypeLike | None = None,
    workspace: Workspace = NO_WORKSPACE,
) -> Tensor:
    """Return the values as a leaf tensor; an array of the right dtype is shared, not copied.

    Examples
    --------
    >>> tensor([1.0, 2.0], requires_gradient=True)
    Tensor([1., 2.], requires_gradient=True)
    """
    array = np.asarray(values.array if isinstance(values, Tensor) else values, dtype=dtype)
    if requires_gradient and array.dtype.kind != "f":
        message = (
            f"gradients are taken of floating-point tensors, found {array.dtype}. Give dtype=float, say."
        )
        raise TypeError(message)
    return Tensor(array, requires_gradient=requires_gradient, workspace=workspace)
