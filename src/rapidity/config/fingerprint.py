"""What identifies a configuration, and what differs between two."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.config.run import RunConfig


def config_fingerprint(config: RunConfig) -> str:
    """Return the SHA-256 of the configuration with all its defaults, as a hexadecimal string.

    How the YAML is written (order, comments, short forms, defaults spelt out) does not change it.
    """
    text = json.dumps(_plain(config), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def changed_keys(old: RunConfig, new: RunConfig) -> list[str]:
    """Return the dotted keys whose values differ, lists as a whole, in the order of the YAML."""
    before, now = dict(_leaves(_plain(old), "")), dict(_leaves(_plain(new), ""))
    missing = object()
    return [key for key in {**before, **now} if before.get(key, missing) != now.get(key, missing)]


def _plain(config: RunConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", by_alias=True)


def _leaves(block: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in block.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
