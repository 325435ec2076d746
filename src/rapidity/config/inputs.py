"""The `inputs:` block: what goes into the network, by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from rapidity.config.images import AnyRebin, Crop
from rapidity.core.block import Block

MOMENTA = (
    ("px", "py", "pz", "energy"),
    ("px", "py", "pz", "mass"),
    ("px", "py", "pz"),
    ("pt", "eta", "phi", "energy"),
    ("pt", "eta", "phi", "mass"),
    ("pt", "eta", "phi"),
)
"""What the momenta of objects may be given by; without energy and mass the objects are massless."""
TRANSVERSE_MOMENTA = (("pt", "phi"), ("px", "py"))
"""What the momentum of a table may be given by as well: nothing is known of it along the beam."""


class TableInput(Block):
    """One number per feature and event."""

    kind: Literal["table"] = "table"
    columns: Literal["all"] | tuple[str, ...]
    """Columns or expressions (`sqrt(px**2 + py**2)`, `m_ll = mass(lepton0, lepton1)`), or `all`: every
    numeric column that has no other role."""
    exclude: tuple[str, ...] = ()
    """Columns to leave out of `all`; a glob such as `truth_*` is allowed."""
    momenta: str | dict[str, str | float] | None = None
    """Momentum of what the table describes, such as missing transverse momentum (`{pt: met, phi: met_phi}`
    or `{px, py, pz, energy}` and the like), or the name of an object in `data.objects`. It makes the network
    input `<name>.momenta` `(4,)`: px, py, pz, energy, not scaled. Of `pt` and `phi` alone, or `px` and `py`,
    it lies across the beam (an `eta` of 0) and is massless."""

    @model_validator(mode="after")
    def _exclude_goes_with_all(self) -> Self:
        if self.exclude and self.columns != "all":
            message = "exclude belongs to `columns: all`. Leave the columns out of the list instead"
            raise ValueError(message)
        if self.columns == ():
            message = "columns is empty. Name at least one column, or write `columns: all`"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _momenta_are_complete(self) -> Self:
        _check_components(self.momenta, (*MOMENTA, *TRANSVERSE_MOMENTA))
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
    crop: Crop | None = None
    """The part of each image that is taken, `{height: 96, width: 96}`; left out, all of it."""
    rebin: AnyRebin | None = None
    """Blocks of pixels that become one: `5`, `[5, 4]` or `{factor: 5, function: mean}`; after cropping."""

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


class CloudInput(Block):
    """Several objects per event: the particles of a jet, the jets of an event.

    The network gets `<name>` `(n_objects, n_features)` and `<name>.mask` `(n_objects)`, 1 where there is an
    object and 0 in the padding.
    """

    kind: Literal["cloud"]
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    """Columns or expressions (`d_eta = cand_eta - jet_eta`, `log(cand_pt / jet_pt)`), each with a value for
    every object, all of one collection."""
    n_objects: Annotated[int, Field(gt=0)]
    """At most so many objects of an event are kept; how many are left out is counted and reported."""
    order_by: str | None = None
    """Column or expression: the objects with the largest values come first, and are kept. Left out: the order
    of the file."""
    selection: str | None = None
    """Condition that an object must fulfil to be kept, such as `cand_pt > 0.5`."""
    momenta: str | dict[str, str | float] | None = None
    """Momenta of the objects, `{pt: cand_pt, eta: cand_eta, phi: cand_phi, mass: 0.13957}` or
    `{px, py, pz, energy}`, or the name of a collection in `data.objects`. They make the network input
    `<name>.momenta` `(n_objects, 4)`: px, py, pz, energy, not scaled."""
    coordinates: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Names of features, or expressions, that say where an object is, for the search of its neighbours:
    the network input `<name>.coordinates`, not scaled."""

    @model_validator(mode="after")
    def _momenta_are_complete(self) -> Self:
        _check_components(self.momenta, MOMENTA)
        return self


def _check_components(
    momenta: str | dict[str, str | float] | None, known: tuple[tuple[str, ...], ...]
) -> None:
    """Raise a ValueError if components are given, but not those of one of the known ways."""
    if isinstance(momenta, dict) and set(momenta) not in map(set, known):
        ways = "; ".join(", ".join(way) for way in known)
        message = (
            f"momenta has {sorted(momenta)}, which do not give a four-momentum. Give one of these: {ways}"
        )
        raise ValueError(message)


def _kind_of(value: Any) -> Any:
    """Return the `kind` of an input; without one it is a table."""
    if isinstance(value, dict):
        return value.get("kind", "table")
    return getattr(value, "kind", "table")


AnyInput = Annotated[
    Annotated[TableInput, Tag("table")]
    | Annotated[ImageInput, Tag("image")]
    | Annotated[CloudInput, Tag("cloud")],
    Discriminator(_kind_of),
]
