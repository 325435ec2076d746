"""The table of transforms by the names they have in YAML."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import DataError
from rapidity.core.registry import Registry
from rapidity.data.transforms.clip import FittedClip
from rapidity.data.transforms.divide import FittedDivide
from rapidity.data.transforms.log import FittedLog
from rapidity.data.transforms.min_max import FittedMinMax
from rapidity.data.transforms.robust import FittedRobust
from rapidity.data.transforms.smooth_clip import FittedSmoothClip
from rapidity.data.transforms.standard import FittedStandard
from rapidity.data.transforms.symmetric_log import FittedSymmetricLog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.config.preparation import Transform
    from rapidity.data.transforms.transform import FittedTransform, TrainingValues

TRANSFORMS: Registry[type[FittedTransform]] = Registry(
    "transform",
    {
        "clip": FittedClip,
        "log": FittedLog,
        "symmetric_log": FittedSymmetricLog,
        "smooth_clip": FittedSmoothClip,
        "divide": FittedDivide,
        "standard": FittedStandard,
        "robust": FittedRobust,
        "min_max": FittedMinMax,
    },
    error=DataError,
)


def fit_transform(config: Transform, values: TrainingValues) -> FittedTransform:
    """Return the transform of a configuration, fitted to the valid training values."""
    return TRANSFORMS.get_variant(config.type).fit(config, values)


def transform_to_dict(transform: FittedTransform) -> dict[str, Any]:
    """Return a transform as plain values for JSON."""
    kind = next(name for name, variant in TRANSFORMS.items() if type(transform) is variant)
    numbers: dict[str, Any] = asdict(transform)  # type: ignore[call-overload]  # they are dataclasses
    return {"type": kind, **numbers}


def transform_from_dict(values: Mapping[str, Any]) -> FittedTransform:
    """Return the transform that `transform_to_dict` wrote."""
    numbers = {name: value for name, value in values.items() if name != "type"}
    return TRANSFORMS.get_variant(values["type"])(**numbers)
