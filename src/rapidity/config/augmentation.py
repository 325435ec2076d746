"""The blocks under `training.augmentation`: how training events are changed anew in every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from rapidity.core.block import Block
from rapidity.core.errors import closest, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Names = Annotated[tuple[str, ...], Field(min_length=1)]
Probability = Annotated[float, Field(gt=0, le=1)]


class _OfObjects(Block):
    objects: Names | None = None
    """Names of `data.objects`; left out, all of them that have the components."""


class RotatePhi(_OfObjects):
    """Turn each event around the beam by a random angle, all of its objects together."""

    type: Literal["rotate_phi"]


class ReflectEta(_OfObjects):
    """Exchange the two directions along the beam, for all objects of an event together."""

    type: Literal["reflect_eta"]
    probability: Probability = 0.5
    """Part of the events that are reflected."""


class BoostZ(_OfObjects):
    """Boost each event along the beam, all of its objects together."""

    type: Literal["boost_z"]
    largest: Annotated[float, Field(gt=0, le=10)] = 0.5
    """The rapidity of the boost is drawn evenly between minus and plus this."""


class SmearMomentum(_OfObjects):
    """Scale the momentum of each object by a random factor whose mean is one.

    Without `objects` missing momentum (one an event, only pt and phi, or px and py) stays.
    """

    type: Literal["smear_momentum"]
    relative: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Spread of the factor: its standard deviation (`gaussian`), or that of its logarithm (`log_normal`)."""
    distribution: Literal["gaussian", "log_normal"] = "gaussian"
    """`gaussian` is cut off on both sides where the factor would reach zero."""
    keep_mass: bool = False
    """Keep the mass of the objects, so that their energy follows; else mass and energy are scaled too."""


class DropObjects(Block):
    """Take objects out of collections at random, as an inefficient detector would."""

    type: Literal["drop_objects"]
    objects: Names
    """Collections: names of `data.objects` whose columns hold several objects, or of collections as
    `rapidity inspect` shows them."""
    probability: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Probability of each object to be dropped."""
    keep: Annotated[int, Field(ge=0)] = 0
    """So many objects of each event, the first ones, are never dropped."""


class _OfImages(Block):
    images: Names | None = None
    """Names of inputs of `kind: image`; left out, all of them. Those of an event change alike."""


class Flip(_OfImages):
    """Mirror the images of an event."""

    type: Literal["flip"]
    axis: Literal["horizontal", "vertical", "both"] = "horizontal"
    """`horizontal` exchanges left and right, `vertical` top and bottom; `both` draws for each by itself."""
    probability: Probability = 0.5
    """Part of the events whose images are mirrored."""


class Shift(_OfImages):
    """Move the images of an event by whole pixels; what comes in at the border is empty.

    The same as padding by so many pixels and cutting out the old size at random.
    """

    type: Literal["shift"]
    pixels: Annotated[int, Field(gt=0)] = 4
    """Rows and columns are moved by up to so many pixels, each evenly and to either side."""


class MixUp(Block):
    """Train on mixtures of two events and of their classes (Zhang et al., arXiv:1710.09412)."""

    type: Literal["mix_up"]
    alpha: Annotated[float, Field(gt=0)] = 0.2
    """The part of the first event is drawn from a beta distribution of parameters alpha, alpha."""


def _name_to_block(value: Any) -> Any:
    """Let `flip` stand for `{type: flip}`."""
    return {"type": value} if isinstance(value, str) else value


MomentumAugmentation = RotatePhi | ReflectEta | BoostZ | SmearMomentum
ColumnAugmentation = RotatePhi | ReflectEta | BoostZ | SmearMomentum | DropObjects
ImageAugmentation = Flip | Shift
Augmentation = Annotated[
    RotatePhi | ReflectEta | BoostZ | SmearMomentum | DropObjects | Flip | Shift | MixUp,
    Field(discriminator="type"),
    BeforeValidator(_name_to_block),
]


def check_order(augmentations: Sequence[Any]) -> None:
    """Raise a ValueError if events would be changed after they were mixed."""
    places = [place for place, block in enumerate(augmentations) if isinstance(block, MixUp)]
    if places and places != [len(augmentations) - 1]:
        message = (
            f"augmentation[{places[0]}] is mix_up, and more comes after it. Mixtures are no events any more: "
            "put mix_up last, once"
        )
        raise ValueError(message)


def check_names(
    augmentations: Sequence[Any], objects: Mapping[str, object], kinds: Mapping[str, str]
) -> None:
    """Raise a ValueError if an augmentation changes what the configuration does not have.

    Parameters
    ----------
    objects
        ``data.objects``.
    kinds
        Name of each input -> its kind.
    """
    images = [name for name, kind in kinds.items() if kind == "image"]
    for place, block in enumerate(augmentations):
        where = f"training.augmentation[{place}] ({block.type})"
        if isinstance(block, Flip | Shift):
            _check_images(where, block.images, images)
        elif isinstance(block, MixUp):
            _check_mixable(where, kinds)
        elif not isinstance(block, DropObjects):
            _check_objects(where, block.objects, objects)


def _check_images(where: str, named: Names | None, images: Collection[str]) -> None:
    if not images:
        message = (
            f"{where} changes images, but no input is of `kind: image`. Remove it, or give the network images"
        )
        raise ValueError(message)
    unknown = [name for name in named or () if name not in images]
    if unknown:
        message = (
            f"{where}.images: {shorten(unknown)} are no inputs of `kind: image`; these are: {shorten(images)}"
        )
        raise ValueError(message)


def _check_mixable(where: str, kinds: Mapping[str, str]) -> None:
    clouds = [name for name, kind in kinds.items() if kind == "cloud"]
    if clouds:
        message = (
            f"{where} adds events number by number, but {shorten(clouds)} are clouds, where the third object "
            "of one event has nothing to do with that of another. Remove mix_up; drop_objects and "
            "smear_momentum are for clouds"
        )
        raise ValueError(message)


def _check_objects(where: str, named: Names | None, objects: Mapping[str, object]) -> None:
    if not objects:
        message = (
            f"{where} changes momenta, but data.objects is empty. Say which columns they are: "
            "objects: {jets: {pt: jet_pt, eta: jet_eta, phi: jet_phi, mass: jet_m}}"
        )
        raise ValueError(message)
    for name in named or ():
        if name not in objects:
            near = closest(name, objects)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            message = f"{where}.objects: no object is called '{name}'.{hint} data.objects: {shorten(objects)}"
            raise ValueError(message)
