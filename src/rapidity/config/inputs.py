"""The `inputs:` block: what goes into the network, by name."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from rapidity.core.block import Block


class TableInput(Block):
    """One number per feature and event."""

    kind: Literal["table"] = "table"
    columns: Literal["all"] | tuple[str, ...]
    """Columns or expressions (`sqrt(px**2 + py**2)`, `m_ll = mass(lepton0, lepton1)`), or `all`: every
    numeric column that has no other role."""
    exclude: tuple[str, ...] = ()
    """Columns to leave out of `all`; a glob such as `truth_*` is allowed."""

    @model_validator(mode="after")
    def _exclude_goes_with_all(self) -> Self:
        if self.exclude and self.columns != "all":
            message = "exclude belongs to `columns: all`. Leave the columns out of the list instead"
            raise ValueError(message)
        if self.columns == ():
            message = "columns is empty. Name at least one column, or write `columns: all`"
            raise ValueError(message)
        return self
