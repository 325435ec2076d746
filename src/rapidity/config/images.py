"""What of an image is taken: keys of an input of `kind: image`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rapidity.core.block import Block
from rapidity.network.window import Size


class Crop(Block):
    """The part of each image that is taken; `top` and `left` go together, without them it is the middle."""

    height: Annotated[int, Field(gt=0)]
    """Rows that are kept."""
    width: Annotated[int, Field(gt=0)]
    """Columns that are kept."""
    top: Annotated[int, Field(ge=0)] | None = None
    """First row, from 0."""
    left: Annotated[int, Field(ge=0)] | None = None
    """First column, from 0."""

    @model_validator(mode="after")
    def _corner_is_whole(self) -> Self:
        if (self.top is None) != (self.left is None):
            message = (
                "crop needs `top` and `left` together. Give both, or neither for the middle of the image"
            )
            raise ValueError(message)
        return self


class Rebin(Block):
    """Blocks of pixels that become one pixel each, after cropping; `rebin: 5` is short for a factor alone."""

    factor: Size
    """Height and width of a block in pixels, one number for square ones; must divide the image."""
    function: Literal["sum", "mean"] = "sum"
    """What a block becomes: the `sum` of its pixels (deposits of energy) or their `mean`."""


def _factor_to_block(value: Any) -> Any:
    """Let `5` or `[5, 4]` stand for `{factor: 5}`."""
    return {"factor": value} if isinstance(value, int | list | tuple) else value


AnyRebin = Annotated[Rebin, BeforeValidator(_factor_to_block)]
