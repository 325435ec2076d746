"""Where a conversion may write to: a format that it knows, nothing overwritten unasked, never an input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rapidity.config.conversion import ConversionConfig

HDF5_SUFFIXES = (".h5", ".hdf5")
_COMPRESSIONS = {True: ("none", "gzip", "lzf"), False: ("none", "gzip", "zstd", "lz4", "snappy")}


def is_hdf5(output: Path) -> bool:
    """Return whether a name is that of an HDF5 file."""
    return output.suffix.lower() in HDF5_SUFFIXES


def check_output(output: Path, inputs: Iterable[Path], config: ConversionConfig, *, overwrite: bool) -> None:
    """Raise an error about an output that cannot be what is asked for.

    Raises
    ------
    DataError
        If no format has this suffix, the file is one that is read, or it exists and `overwrite` is not set.
    ConfigError
        If layout or compression do not fit the format.
    """
    if not is_hdf5(output) and output.suffix.lower() != ".parquet":
        found = f"'{output.suffix}'" if output.suffix else "no suffix"
        message = f"cannot write {output}: found {found}, expected a name that ends in .h5, .hdf5 or .parquet"
        raise DataError(message)
    if config.layout != "columnar" and not is_hdf5(output):
        message = (
            f"layout '{config.layout}' is one of HDF5, but {output} is Parquet. Leave it out, or write .h5"
        )
        raise ConfigError(message)
    allowed = _COMPRESSIONS[is_hdf5(output)]
    if config.compression is not None and config.compression not in allowed:
        message = f"compression '{config.compression}' does not fit {output}. Allowed: {', '.join(allowed)}"
        raise ConfigError(message)
    if not output.exists():
        return
    if output.is_dir():
        message = f"cannot write {output}: a folder stands there. Choose another --output."
        raise DataError(message)
    same = next((path for path in inputs if path.exists() and output.samefile(path)), None)
    if same is not None:
        message = f"cannot write {output}: it is {same}, which is read here. Choose another --output."
        raise DataError(message)
    if not overwrite:
        message = f"{output} exists already. Give --overwrite to replace it, or another --output."
        raise DataError(message)


def resolve_output(config: ConversionConfig, base: Path, output: Path | str | None) -> Path:
    """Return the file to write, absolute: as given, else as the configuration says."""
    if output is not None:
        return Path(output).expanduser().absolute()
    if config.output is None:
        message = "no output is given. Set `output: NAME.h5`, or give --output NAME.h5"
        raise ConfigError(message)
    return (base / Path(config.output).expanduser()).absolute()
