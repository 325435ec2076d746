"""From the blocks of the configuration to what augments the events of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rapidity.config.augmentation import BoostZ, DropObjects, Flip, MixUp, ReflectEta, RotatePhi, Shift
from rapidity.core.errors import ConfigError, closest, shorten
from rapidity.training.augmentation.augmenter import WINDOW_NUMBERS, Augmenter
from rapidity.training.augmentation.boost_z import Boost
from rapidity.training.augmentation.drop_objects import Dropping
from rapidity.training.augmentation.flip import Flipping
from rapidity.training.augmentation.mix_up import MixingUp
from rapidity.training.augmentation.momenta import MomentumAugmentation, ObjectColumns, choose_objects
from rapidity.training.augmentation.reflect_eta import Reflection
from rapidity.training.augmentation.rotate_phi import Rotation
from rapidity.training.augmentation.shift import Shifting
from rapidity.training.augmentation.smear_momentum import Smearing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from rapidity.core.records import FloatArray, OutputObjective
    from rapidity.training.augmentation.augmenter import RawEvents
    from rapidity.training.augmentation.momenta import MomentumChange


@dataclass(frozen=True)
class Sources:
    """What a run has that may be augmented.

    Attributes
    ----------
    objects
        ``data.objects``.
    columns
        Raw columns of the table.
    used_columns
        Those of them that an input needs.
    collections
        Jagged column -> its collection.
    sentinels
        Column -> numbers that mean "not measured" there.
    from_zero
        Columns of azimuths that lie in [0, 2 pi).
    count_columns
        Collection -> columns that hold its number of objects in each event.
    empty_images
        Image input -> what an image of zeros as stored becomes through the preparation.
    """

    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    columns: Collection[str] = ()
    used_columns: Collection[str] = ()
    collections: Mapping[str, str] = field(default_factory=dict)
    sentinels: Mapping[str, Sequence[float]] = field(default_factory=dict)
    from_zero: Collection[str] = ()
    count_columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    empty_images: Mapping[str, FloatArray] = field(default_factory=dict)


def columns_to_read(augmentations: Sequence[Any], objects: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the columns that augmentations compute with, and which of them needs each, for messages.

    Raises
    ------
    ConfigError
        If an object lacks the components that change.
    """
    found: dict[str, str] = {}
    for place, block in enumerate(augmentations):
        change = _make_change(block)
        if change is not None:
            where = _name(place, block)
            chosen = [*choose_objects(where, change, objects, block.objects), *_maybe_spared(change, objects)]
            for item in chosen:
                for column in item.raw_columns(change.reads(item.components)):
                    found.setdefault(column, f"{where}, object '{item.name}'")
    return found


def _maybe_spared(
    change: MomentumChange, objects: Mapping[str, Mapping[str, str]]
) -> Iterator[ObjectColumns]:
    """Yield what may be missing momentum: only the files tell whether its columns hold several objects."""
    if change.spares_missing_momentum:
        found = (ObjectColumns.of(name, components) for name, components in objects.items())
        yield from (item for item in found if item.is_missing_momentum(()))


def make_augmenter(
    augmentations: Sequence[Any],
    sources: Sources,
    seed: int,
    *,
    make_raw: Callable[[Sequence[str], Sequence[str]], RawEvents],
    outputs: Mapping[str, OutputObjective],
    window_numbers: int = WINDOW_NUMBERS,
) -> Augmenter:
    """Return what applies the augmentations of a configuration.

    Parameters
    ----------
    make_raw
        Makes the source of raw columns from those that change, and those that are computed with.
    outputs
        What the network is trained to do.

    Raises
    ------
    ConfigError
        If an augmentation would change nothing that the network sees, or something that is not there.
    """
    column_steps: list[tuple[int, Any]] = []
    input_steps: list[tuple[int, Any]] = []
    event_steps: list[tuple[int, Any]] = []
    for place, block in enumerate(augmentations):
        if isinstance(block, Flip | Shift):
            input_steps.append((place, _make_input_step(block, sources)))
        elif isinstance(block, MixUp):
            event_steps.append((place, MixingUp(block.alpha, outputs)))
        else:
            column_steps.append((place, _make_column_step(_name(place, block), block, sources)))
    raw = None
    if column_steps:
        changed = dict.fromkeys(column for _, step in column_steps for column in step.changes)
        read = dict.fromkeys(column for _, step in column_steps for column in step.reads)
        raw = make_raw(tuple(changed), tuple(read))
    return Augmenter(seed, column_steps, input_steps, event_steps, raw, window_numbers)


def _name(place: int, block: Any) -> str:
    return f"training.augmentation[{place}] ({block.type})"


def _make_change(block: Any) -> MomentumChange | None:
    """Return how momenta change; None of what does not change momenta."""
    if isinstance(block, RotatePhi):
        return Rotation()
    if isinstance(block, ReflectEta):
        return Reflection(block.probability)
    if isinstance(block, BoostZ):
        return Boost(block.largest)
    if isinstance(block, DropObjects | Flip | Shift | MixUp):
        return None
    return Smearing(block.relative, block.distribution, keep_mass=block.keep_mass)


def _make_input_step(block: Flip | Shift, sources: Sources) -> Flipping | Shifting:
    images = block.images or tuple(sources.empty_images)
    if isinstance(block, Flip):
        return Flipping(images, block.axis, block.probability)
    return Shifting(images, block.pixels, sources.empty_images)


def _make_column_step(where: str, block: Any, sources: Sources) -> MomentumAugmentation | Dropping:
    change = _make_change(block)
    if change is None:
        step: MomentumAugmentation | Dropping = _make_dropping(where, block, sources)
    else:
        chosen = choose_objects(where, change, sources.objects, block.objects, sources.collections)
        if not chosen:
            message = (
                f"{where} changes nothing: of the objects in data.objects "
                f"({shorten(sources.objects) or 'none'}) each stays, as missing momentum does. Name those "
                "that are to change under `objects`, or remove the augmentation."
            )
            raise ConfigError(message)
        step = MomentumAugmentation(change, chosen, sources.collections, sources.sentinels, sources.from_zero)
    if not set(step.changes) & set(sources.used_columns):
        message = (
            f"{where} changes {shorten(step.changes)}, but no input of the network needs any of these."
            " Remove it, or make features of them; one of a column that was computed before (such as an "
            "invariant mass) does not follow: write it as an expression of the objects."
        )
        raise ConfigError(message)
    return step


def _make_dropping(where: str, block: DropObjects, sources: Sources) -> Dropping:
    collections: dict[str, list[str]] = {}
    for name in block.objects:
        collection = _find_collection(where, name, sources)
        collections[collection] = [
            column
            for column, found in sources.collections.items()
            if found == collection and column in sources.columns
        ]
        if not collections[collection]:
            message = (
                f"{where}: no input of the network needs a column of the collection '{name}'. Remove it from "
                "`objects`, or make features of it."
            )
            raise ConfigError(message)
    counts = {name: sources.count_columns.get(name, ()) for name in collections}
    return Dropping(collections, counts, block.probability, block.keep)


def _find_collection(where: str, name: str, sources: Sources) -> str:
    """Return the collection of an object of `data.objects`, or the one of this name."""
    if name in sources.objects:
        texts = sources.objects[name].values()
        found = next((sources.collections[text] for text in texts if text in sources.collections), None)
        if found is not None:
            return found
        message = (
            f"{where}: '{name}' is one object an event, not a collection of several, so none can be dropped. "
            f"Collections: {shorten(_names(sources)) or 'none'}."
        )
        raise ConfigError(message)
    if name in sources.collections.values():
        return name
    near = closest(name, [*sources.objects, *_names(sources)])
    hint = f" Did you mean '{near[0]}'?" if near else ""
    message = (
        f"{where}: no object or collection is called '{name}'.{hint} Objects: "
        f"{shorten(sources.objects) or 'none'}; collections: {shorten(_names(sources)) or 'none'}."
    )
    raise ConfigError(message)


def _names(sources: Sources) -> list[str]:
    return list(dict.fromkeys(sources.collections.values()))
