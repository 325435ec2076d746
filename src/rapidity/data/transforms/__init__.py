"""Transforms of one feature or channel: fitted to the training split, then the same for every event.

One file a transform. Each is a frozen record with ``fit(config, values)``, ``apply(values, xp)`` and
plain numbers as fields; ``apply`` is written over an array namespace, because the exported model
replays it as ONNX nodes.
"""

from __future__ import annotations

from rapidity.data.transforms.table import TRANSFORMS, fit_transform, transform_from_dict, transform_to_dict
from rapidity.data.transforms.transform import FittedTransform, TrainingValues, TransformFitError
from rapidity.data.transforms.values import ArrayValues, ChunkedValues

__all__ = [
    "TRANSFORMS",
    "ArrayValues",
    "ChunkedValues",
    "FittedTransform",
    "TrainingValues",
    "TransformFitError",
    "fit_transform",
    "transform_from_dict",
    "transform_to_dict",
]
