"""Which preparation each feature gets: the block itself, then its input, then its own name, key by key."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from rapidity.core.errors import ConfigError, closest, shorten
from rapidity.data.features import unique

if TYPE_CHECKING:
    from rapidity.config.preparation import FeaturePreparation, Missing, Preparation, Scale, Transform
    from rapidity.data.features import Feature, FeatureSet


@dataclass(frozen=True)
class FeatureSettings:
    """The settings of one feature, with nothing left open."""

    missing: Missing
    transforms: tuple[Transform, ...]
    scale: Scale | Literal["none"]
    zeros: Literal["transform", "keep"] = "transform"

    @property
    def steps(self) -> tuple[Transform, ...]:
        """All transforms in their order, the scale last."""
        return self.transforms if self.scale == "none" else (*self.transforms, self.scale)

    def override(self, by: FeaturePreparation) -> FeatureSettings:
        """Return these settings with the keys that `by` gives; `missing` is merged key by key as well."""
        given = (
            {}
            if by.missing is None
            else {key: getattr(by.missing, key) for key in by.missing.model_fields_set}
        )
        return FeatureSettings(
            missing=self.missing.model_copy(update=given),
            transforms=self.transforms if by.transforms is None else by.transforms,
            scale=self.scale if by.scale is None else by.scale,
            zeros=self.zeros if by.zeros is None else by.zeros,
        )


@dataclass(frozen=True)
class SettingsTable:
    """The settings of all features.

    Among several names and globs of `preparation.columns` that fit, later ones win, and an exact name
    wins over globs.
    """

    config: Preparation

    def of_input(self, input_name: str) -> FeatureSettings:
        """Return the settings of a whole input, such as an image."""
        base = FeatureSettings(self.config.missing, self.config.transforms, self.config.scale)
        if input_name in self.config.inputs:
            base = base.override(self.config.inputs[input_name])
        return base

    def of_column(self, input_name: str, column: str) -> FeatureSettings:
        """Return the settings of a raw column in an input, as a feature itself or inside an expression."""
        base = self.of_input(input_name)
        fitting = [name for name in self.config.columns if name != column and fnmatchcase(column, name)]
        if column in self.config.columns:
            fitting.append(column)
        for name in fitting:
            base = base.override(self.config.columns[name])
        return base

    def of_feature(self, input_name: str, feature: Feature) -> FeatureSettings:
        """Return the settings of a feature."""
        return self.of_column(input_name, feature.name)

    def sentinels(self, input_name: str, feature: Feature) -> dict[str, tuple[float, ...]]:
        """Return the sentinels of each raw column that the feature uses.

        An expression takes those of each of its columns, unless sentinels are given for the expression
        by its own name; a condition (a comparison) takes none, since it may well compare with them.
        """
        own = self.of_feature(input_name, feature).missing.sentinels
        if feature.is_column:
            return {feature.columns[0]: own}
        if self._names_sentinels_of(feature.name):
            return dict.fromkeys(feature.columns, own)
        if feature.expression.is_condition:
            return {}
        return {column: self.of_column(input_name, column).missing.sentinels for column in feature.columns}

    def _names_sentinels_of(self, name: str) -> bool:
        block = self.config.columns.get(name)
        return (
            block is not None and block.missing is not None and "sentinels" in block.missing.model_fields_set
        )


def check_names(config: Preparation, features: FeatureSet) -> None:
    """Raise a ConfigError about names under `preparation.columns` that fit no feature."""
    listed = (*features.all, *features.of_objects)
    of_features = (column for feature in listed for column in feature.columns)
    known = unique([*(feature.name for feature in listed), *of_features])
    images = {column: name for name, image in features.images.items() for column in image.columns}
    problems = []
    for pattern in config.columns:
        if not any(name == pattern or fnmatchcase(name, pattern) for name in known):
            if pattern in images:
                problems.append(
                    f"'{pattern}' is a column of images: what happens to them is set under "
                    f"preparation.inputs.{images[pattern]}."
                )
                continue
            near = closest(pattern, known)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            problems.append(f"'{pattern}' is no feature and no column of one.{hint}")
    unknown = [name for name in config.inputs if name not in features.inputs]
    problems += [f"'{name}' is no input (inputs: {shorten(features.inputs)})." for name in unknown]
    with_zeros = [f"columns.{name}" for name, block in config.columns.items() if block.zeros]
    with_zeros += [
        f"inputs.{name}"
        for name, block in config.inputs.items()
        if block.zeros and name not in features.images and name not in unknown
    ]
    problems += [f"{place}.zeros is for pixels of an input of `kind: image`." for place in with_zeros]
    if problems:
        named = f" Features: {shorten(f.name for f in listed)}." if listed else ""
        message = f"preparation: {' '.join(problems)}{named}"
        raise ConfigError(message)
