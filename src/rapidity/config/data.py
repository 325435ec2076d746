"""The `data:` block: which events, of which class, with which weight."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from rapidity.config.collections import ObjectArrays
from rapidity.core.block import Block
from rapidity.core.sizes import parse_size

SplitName = Literal["train", "validation", "test"]
GuardLevel = Literal["error", "warn", "off"]
Scalar = str | int | float | bool
Size = Annotated[
    int, BeforeValidator(parse_size), WithJsonSchema({"type": ["string", "integer"], "exclusiveMinimum": 0})
]
"""Bytes, also with a unit: `200 MB`, `1.5 GiB`."""


class Source(Block):
    """Files of events that belong together."""

    path: str | tuple[str, ...]
    """A file, a glob such as `sig*.root`, or a list of them; relative to the configuration file."""
    tree: str | None = None
    """Tree or RNTuple inside ROOT files; may be left out when there is only one."""
    dataset: str | None = None
    """Dataset, group or pandas key inside HDF5 files, or array name inside NPZ files."""
    class_name: str | None = Field(default=None, alias="class")
    """Class of all these events, when the class is not a column."""
    split: SplitName | None = None
    """Put all these events into this split."""
    limit: Annotated[int, Field(gt=0)] | None = None
    """Keep at most this many events, the first that pass the selection (and are no duplicates)."""
    join: str | tuple[str, ...] | None = None
    """Files with further columns of the same events, row by row (say labels in a file of their own)."""
    columns: tuple[str, ...] | None = None
    """Names of the columns, for files that carry none (CSV without a header, plain arrays)."""


class Guards(Block):
    """Checks before training; each stops the run (`error`), is reported (`warn`) or is left out (`off`)."""

    duplicates: GuardLevel = "error"
    """Exactly equal events in different splits."""
    separating_feature: GuardLevel = "error"
    """A feature that alone separates two classes (AUC above 0.999)."""
    truth_like_name: GuardLevel = "warn"
    """Features named like truth information or weights."""
    constant_feature: GuardLevel = "warn"
    """Features that have the same value in every event."""
    unstated_sentinel: GuardLevel = "warn"
    """Numbers such as -999 that are not listed in `preparation.missing.sentinels`."""
    repeated_event: GuardLevel = "error"
    """The same event key in different splits of one sample."""


class DataBlock(Block):
    """Where the events are, and what is known of each."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    """Files of events."""
    target: str | None = None
    """Column that holds the class of each event, or a formula of one value an event, `isB + 2 * isC`; unless
    each source names its class, or no output asks for it."""
    classes: tuple[str, ...] | dict[str, Scalar | tuple[Scalar, ...]] | None = None
    """Class names in order, or class names with the values of the target column that mean them."""
    objects: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Names for expressions: `lepton0: {px: lep0_px, py: lep0_py, pz: lep0_pz, energy: lep0_e}`."""
    collections: dict[str, ObjectArrays] = Field(default_factory=dict)
    """Arrays with room for a fixed number of objects that become columns of objects, by collection:
    `constituents: {array: X, fields: [pt, eta, phi], absent: {pt: 0}}`."""
    selection: str | None = None
    """Expression that an event must fulfil to be used."""
    event_weight: str | None = None
    """Expression for the physics weight of an event; it may be negative."""
    event_key: tuple[str, ...] | None = None
    """Columns that identify an event within a sample, such as `[run, lumi, event]`."""
    spectators: tuple[str, ...] = ()
    """Columns carried along and never trained on."""
    memory: Size | None = None
    """How much memory the events may take, raw and prepared, such as `2 GB` or `1.5 GiB`; beyond it, columns
    lie on disk and training streams. Left out, all is held in memory."""
    drop_duplicates: bool = False
    """Keep only the first of several events of a class whose features are exactly equal."""
    guards: Guards = Guards()

    @model_validator(mode="after")
    def _class_is_given_once(self) -> Self:
        named = [source.class_name is not None for source in self.sources]
        if self.target is not None and any(named):
            message = "data.target and the `class:` of a source are both given. Keep one of them"
            raise ValueError(message)
        if self.target is None and any(named) and not all(named):
            message = (
                "the class of the events is not given. Set data.target to the column that holds it, "
                "or give each source a `class:`"
            )
            raise ValueError(message)
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes as far as they stand here: not those that only the target column tells."""
        named = (source.class_name for source in self.sources if source.class_name is not None)
        return tuple(dict.fromkeys(self.classes or named))

    @property
    def has_classes(self) -> bool:
        """Whether the class of the events is given, by a column or by their sources."""
        return self.target is not None or self.sources[0].class_name is not None
