"""The `inputs:` block: what goes into the network, by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

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


class ImageInput(Block):
    """One picture per event: pixels in rows and columns, of one or several channels."""

    kind: Literal["image"]
    column: str | Annotated[tuple[str, ...], Field(min_length=1)]
    """Column of arrays `(height, width)` or `(height, width, channels)`; or a list of columns
    `(height, width)`, each a channel (calorimeter layers, say)."""
    channels_first: bool = False
    """The column holds `(channels, height, width)`."""
    channels: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] | None = None
    """Channels to take, by number from 0, in this order; left out, all of them."""

    @model_validator(mode="after")
    def _channels_differ(self) -> Self:
        for key, listed in (("column", self.columns), ("channels", self.channels or ())):
            twice = sorted({value for value in listed if listed.count(value) > 1}, key=str)
            if twice:
                message = f"{key} lists {twice} more than once. Name each channel once"
                raise ValueError(message)
        if self.channels_first and not isinstance(self.column, str):
            message = "channels_first belongs to one column of all channels, but several columns are listed"
            raise ValueError(message)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, also of one."""
        return (self.column,) if isinstance(self.column, str) else self.column


def _kind_of(value: Any) -> Any:
    """Return the `kind` of an input; without one it is a table."""
    if isinstance(value, dict):
        return value.get("kind", "table")
    return getattr(value, "kind", "table")


AnyInput = Annotated[
    Annotated[TableInput, Tag("table")] | Annotated[ImageInput, Tag("image")], Discriminator(_kind_of)
]
