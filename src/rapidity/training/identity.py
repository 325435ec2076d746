"""What must be the same for a training to be resumed: the configuration and the events."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ConfigError, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rapidity.core.records import Batch


def plain(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration as it will read when it comes back from JSON (tuples become lists)."""
    return dict(json.loads(json.dumps(configuration, allow_nan=False)))


def hash_events(events: Batch) -> str:
    """Return a hash of prepared events: inputs, targets and weights."""
    digest = hashlib.blake2b(digest_size=16)
    arrays = {**events.inputs, **events.targets}
    if events.training_weight is not None:
        arrays["training weight"] = events.training_weight
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def check_unchanged(found: Mapping[str, Any], expected: Mapping[str, Any], folder: Path, epoch: int) -> None:
    """Refuse to resume with another configuration.

    Parameters
    ----------
    found
        Configuration now.
    expected
        Configuration of the checkpoint in `folder`, made after `epoch`.

    Raises
    ------
    ConfigError
        Naming the keys that differ, with both values.
    """
    now, before = dict(_leaves(found)), dict(_leaves(expected))
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    if not keys:
        return
    changes = "".join(f"\n  {key}: was {_show(before, key)}, is {_show(now, key)}" for key in keys[:10])
    message = (
        f"cannot resume from {folder} (epoch {epoch}): the configuration has changed in {shorten(keys)}."
        f"{changes}\n  A resumed training must end like one that was never interrupted: set these back, or "
        "start a new run (another --output, or --overwrite)."
    )
    raise ConfigError(message)


def _leaves(configuration: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in configuration.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _show(leaves: Mapping[str, Any], key: str) -> str:
    return repr(leaves[key]) if key in leaves else "not there"
