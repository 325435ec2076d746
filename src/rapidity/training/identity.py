"""What must be the same for a training to be resumed: the configuration and the events.

Where and with which engine the network is computed may change: a state is in canonical names and layouts.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ConfigError, shorten
from rapidity.core.records import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rapidity.core.records import StreamedEvents

EXCHANGEABLE = ("training.engine", "training.device", "training.precision")
"""Keys that a resumed training may change: they decide how numbers are computed, not which."""


def plain(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration as it will read when it comes back from JSON (tuples become lists)."""
    return dict(json.loads(json.dumps(configuration, allow_nan=False)))


def identify_events(events: Batch | StreamedEvents) -> str:
    """Return what tells these events from others: a hash of them, or of all that they are made from."""
    return hash_events(events) if isinstance(events, Batch) else events.identity


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


def check_unchanged(
    found: Mapping[str, Any], expected: Mapping[str, Any], folder: Path, epoch: int
) -> dict[str, tuple[Any, Any]]:
    """Refuse to resume with another configuration; return what of engine and device has changed.

    Parameters
    ----------
    found
        Configuration now.
    expected
        Configuration of the checkpoint in `folder`, made after `epoch`.

    Returns
    -------
    dict
        Key of `EXCHANGEABLE` -> its value before and now, for those that differ.

    Raises
    ------
    ConfigError
        Naming the other keys that differ, with both values.
    """
    now, before = dict(_leaves(found)), dict(_leaves(expected))
    changed = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    keys = [key for key in changed if key not in EXCHANGEABLE]
    if not keys:
        return {key: (before.get(key), now.get(key)) for key in changed}
    changes = "".join(f"\n  {key}: was {_show(before, key)}, is {_show(now, key)}" for key in keys[:10])
    message = (
        f"cannot resume from {folder} (epoch {epoch}): the configuration has changed in {shorten(keys)}."
        f"{changes}\n  A resumed training must end like one that was never interrupted: set these back, or "
        "start a new run (another --output, or --overwrite). Only engine, device and precision may change."
    )
    raise ConfigError(message)


def describe_exchange(
    changes: Mapping[str, tuple[Any, Any]], epoch: int, *, is_finished: bool = False
) -> str:
    """Return the note on a training that goes on, or is already complete, with another engine or device.

    Examples
    --------
    >>> print(describe_exchange({"training.engine": ("torch", "numpy")}, 2))
    note: after epoch 2 the training goes on with engine numpy (so far torch). Parameters and the moments
    of the optimiser carry over; sums are rounded and dropout is drawn differently, so the result is not
    that of one engine alone.
    """
    described = ", ".join(
        f"{key.removeprefix('training.')} {now} (so far {before})" for key, (before, now) in changes.items()
    )
    if is_finished:
        return (
            f"note: the training was complete after epoch {epoch}; nothing is left to train with {described}."
            " Its parameters are exported and evaluated again. To train anew, use --overwrite."
        )
    return (
        f"note: after epoch {epoch} the training goes on with {described}. Parameters and the moments of the"
        " optimiser carry over; sums are rounded and dropout is drawn differently, so the result is not that"
        " of one engine alone."
    )


def _leaves(configuration: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in configuration.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _show(leaves: Mapping[str, Any], key: str) -> str:
    return repr(leaves[key]) if key in leaves else "not there"
