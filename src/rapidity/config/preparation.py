"""The `preparation:` block: splits, missing values, transforms."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from rapidity.core.block import Block

Values = int | str | tuple[int | str, ...]


class SplitFractions(Block):
    """Each event at random to a split, by seed and identity, whatever the order of the files.

    The identity is the event key within the source, or else file and entry. Each class is divided by
    the fractions.
    """

    train: Annotated[float, Field(gt=0, le=1)] = 0.8
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.1
    test: Annotated[float, Field(ge=0, lt=1)] = 0.1
    seed: int = 1

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            message = (
                f"the fractions add up to {total:g}, not 1 (train {self.train:g}, "
                f"validation {self.validation:g}, test {self.test:g}). Change one of them"
            )
            raise ValueError(message)
        return self


class SplitBy(Block):
    """By the value of an expression, usually an event number: `{by: "event % 10", test: [9], ...}`."""

    by: str
    """Expression over the columns; `row_number` counts the selected events from 0."""
    validation: tuple[int, ...]
    test: tuple[int, ...]
    train: tuple[int, ...] | None = None
    """Values of the training split; left out, all others."""

    @model_validator(mode="after")
    def _does_not_overlap(self) -> Self:
        listed = [*self.validation, *self.test, *(self.train or ())]
        twice = sorted({value for value in listed if listed.count(value) > 1})
        if twice:
            message = f"the values {twice} stand in two splits. Keep each in one"
            raise ValueError(message)
        return self


class SplitColumn(Block):
    """By a column that names the split of each event."""

    column: str
    train: Values = "train"
    """Value or values of the column that mean the training split."""
    validation: Values = "validation"
    test: Values = "test"


def _split_kind(value: Any) -> str:
    keys = value if isinstance(value, dict) else {name for name in ("by", "column") if hasattr(value, name)}
    return "by" if "by" in keys else "column" if "column" in keys else "fractions"


Split = Annotated[
    Annotated[SplitFractions, Tag("fractions")]
    | Annotated[SplitBy, Tag("by")]
    | Annotated[SplitColumn, Tag("column")],
    Discriminator(_split_kind),
]


class Missing(Block):
    """What counts as a missing value, and what stands in for it."""

    sentinels: tuple[float, ...] = ()
    """Numbers that mean "not measured"."""
    nan: Literal["error", "missing"] = "error"
    """NaN in a feature: refuse the data, or treat as missing."""
    infinite: Literal["error", "missing"] = "error"
    """Infinities in a feature: refuse the data, or treat as missing."""
    fill: Literal["median", "mean", "zero"] | float = "median"
    """Stands in for a missing value; median and mean are those of the training split."""
    indicator: bool = False
    """Add a feature that is 1 where the value is missing, for features that miss any in training."""


class Clip(Block):
    """Values outside an interval are set to its ends."""

    type: Literal["clip"] = "clip"
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _is_an_interval(self) -> Self:
        if self.low is None and self.high is None:
            message = "clip needs `low`, `high` or both"
            raise ValueError(message)
        if self.low is not None and self.high is not None and self.low >= self.high:
            message = f"low ({self.low:g}) must be below high ({self.high:g})"
            raise ValueError(message)
        return self


class Log(Block):
    """Natural logarithm of `value + shift`, which must be above zero in training."""

    type: Literal["log"] = "log"
    shift: float = 0.0


class SymmetricLog(Block):
    """`sign(value) * log(1 + |value| / scale)`: a logarithm for values of both signs."""

    type: Literal["symmetric_log"] = "symmetric_log"
    scale: Annotated[float, Field(gt=0)] = 1.0


class SmoothClip(Block):
    """`value / sqrt(1 + (value / limit)^2)`: nearly the value while it is small, never beyond the limit."""

    type: Literal["smooth_clip"] = "smooth_clip"
    limit: Annotated[float, Field(gt=0)] = 3.0
    """What large values come close to."""


class Divide(Block):
    """`value / by`: for numbers whose range is known, such as pixels from 0 to 255."""

    type: Literal["divide"] = "divide"
    by: Annotated[float, Field(gt=0)]


class Standard(Block):
    """Mean 0 and standard deviation 1 on the training split."""

    type: Literal["standard"] = "standard"


class Robust(Block):
    """Median 0 and interquartile range 1 on the training split; outliers do not shift it."""

    type: Literal["robust"] = "robust"
    fallback: Literal["deviation", "half_range"] = "deviation"
    """What is 1 instead where the quartiles are equal: the standard deviation, or half of the way from
    the smallest to the largest value."""


class MinMax(Block):
    """Smallest value 0 and largest 1 on the training split."""

    type: Literal["min_max"] = "min_max"


def _name_to_block(value: Any) -> Any:
    """Let `log` stand for `{type: log}`."""
    return {"type": value} if isinstance(value, str) else value


Transform = Annotated[
    Clip | Log | SymmetricLog | SmoothClip | Divide | Standard | Robust | MinMax,
    Field(discriminator="type"),
    BeforeValidator(_name_to_block),
]
Scale = Annotated[Standard | Robust | MinMax, Field(discriminator="type"), BeforeValidator(_name_to_block)]


class FeaturePreparation(Block):
    """What happens to a feature or the pixels of an image; a key left out is taken from the block above."""

    missing: Missing | None = None
    transforms: tuple[Transform, ...] | None = None
    """Applied in this order, before `scale`."""
    scale: Scale | Literal["none"] | None = None
    """The last transform: `standard`, `robust`, `min_max` or `none`."""
    zeros: Literal["transform", "keep"] | None = None
    """Of an image: `keep` lets pixels that are zero be zero, and fits the transforms to the others."""


class Preparation(Block):
    """From columns to the numbers that the network sees."""

    split: Split = SplitFractions()
    missing: Missing = Missing()
    transforms: tuple[Transform, ...] = ()
    """Applied to every feature and pixel in this order, before `scale`."""
    scale: Annotated[Scale | Literal["none"], Field(union_mode="left_to_right")] = Standard()
    """The last transform: `standard`, `robust`, `min_max` or `none`."""
    inputs: dict[str, FeaturePreparation] = Field(default_factory=dict)
    """Other settings for all features of an input, or for an image, by its name."""
    columns: dict[str, FeaturePreparation] = Field(default_factory=dict)
    """Other settings for single features, by name or glob; these win over `inputs`."""
