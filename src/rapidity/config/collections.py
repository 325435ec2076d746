"""The `collections` blocks: arrays of a fixed number of places, of which some hold an object."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rapidity.core.block import Block

Names = Annotated[tuple[str, ...], Field(min_length=1)]


class ArrayKeys(Block):
    """What says where the objects of a collection lie, and which places of an array hold one."""

    array: str | None = None
    """Column of arrays `(n_objects, n_fields)`."""
    fields: Names | None = None
    """Names of the fields of `array`, one each: they become columns."""
    fields_first: bool = False
    """The array is `(n_fields, n_objects)`."""
    absent: dict[str, float | Literal["nan"]] = Field(default_factory=dict)
    """Value of a field or column that means "no object", such as `{pt: 0}` or `{pt: nan}`; of several, all
    must be there. The objects that there are move together, in their order."""
    count: str | None = None
    """Column that says how many of the places hold an object, from the first on."""

    @model_validator(mode="after")
    def _keys_belong_together(self) -> Self:
        if (self.array is None) != (self.fields is None):
            message = "`array` and `fields` belong together: name each field of the array"
            raise ValueError(message)
        if self.fields_first and self.array is None:
            message = "fields_first belongs to `array`: columns have one field each"
            raise ValueError(message)
        if self.absent and self.count is not None:
            message = "absent and count both say where there is an object. Keep one of them"
            raise ValueError(message)
        if self.fields is not None:
            check_names(self.fields, self.absent)
        return self


class ObjectArrays(ArrayKeys):
    """Arrays with room for a fixed number of objects per event, as columns of objects of a collection.

    Either one `array` `(n_objects, n_fields)`, whose `fields` become columns, or several `columns`
    `(n_objects,)`. Where a place is empty `absent` says, or how many are taken `count`; without both every
    place holds an object.
    """

    columns: Names | None = None
    """Columns of arrays `(n_objects,)`, in place of `array`."""

    @model_validator(mode="after")
    def _is_one_of_two_ways(self) -> Self:
        if (self.array is None) == (self.columns is None):
            message = "give either `array` with its `fields`, or `columns`"
            raise ValueError(message)
        if self.columns is not None:
            check_names(self.columns, self.absent)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of objects that it makes."""
        return self.fields or self.columns or ()


def check_names(names: tuple[str, ...], absent: dict[str, float | Literal["nan"]]) -> None:
    """Raise a ValueError if a name stands there twice, or `absent` knows others."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"{twice} stands there more than once. Give each field a name of its own"
        raise ValueError(message)
    unknown = sorted(set(absent) - set(names))
    if unknown:
        message = f"absent names {unknown}, but there are {list(names)}"
        raise ValueError(message)
