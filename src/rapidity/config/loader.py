"""From a YAML file to a checked configuration, and back to YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.config.block_file import load_block
from rapidity.config.document import write_yaml
from rapidity.config.run import RunConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTIONAL_BLOCKS = ("preparation", "network", "training", "evaluation", "deliver")
"""Blocks of which nothing need be given: `training:` with nothing below it means the defaults."""


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration and where it came from.

    Attributes
    ----------
    config
        As written, with all defaults filled in.
    path
        The file.
    base
        The folder that relative data paths start from: that of the file.
    """

    config: RunConfig
    path: Path
    base: Path

    @property
    def resolved(self) -> RunConfig:
        """The same configuration with absolute data paths, which works from any folder."""
        return resolve_paths(self.config, self.base)


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Read and check a configuration.

    Parameters
    ----------
    path
        The YAML file.
    overrides
        Single values to replace, such as ``training.epochs=5``, ``network.hidden=[64, 64]`` or
        ``data.sources.0.path=other.root``; the values are YAML.

    Raises
    ------
    ConfigError
        With every problem at once: line, key, what is wrong, what is allowed.
    """
    path = Path(path)
    config = load_block(path, RunConfig, overrides, optional=OPTIONAL_BLOCKS)
    return LoadedConfig(config, path, path.resolve().parent)


def dump_config(config: RunConfig) -> str:
    """Return the configuration as YAML with every default written out; it loads again to an equal one."""
    values = config.model_dump(mode="json", by_alias=True)
    if config.training.folds is not None:
        # Folds make the split; written out, its default would contradict them.
        del values["preparation"]["split"]
    return write_yaml(values)


def resolve_paths(config: RunConfig, base: Path) -> RunConfig:
    """Return the configuration with the paths of the sources made absolute, starting from `base`."""

    def absolute(paths: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if paths is None or isinstance(paths, str):
            return paths and str(base / Path(paths).expanduser())
        return tuple(str(base / Path(path).expanduser()) for path in paths)

    sources = tuple(
        source.model_copy(update={"path": absolute(source.path), "join": absolute(source.join)})
        for source in config.data.sources
    )
    return config.model_copy(update={"data": config.data.model_copy(update={"sources": sources})})
