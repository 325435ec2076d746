"""One pydantic model per block of YAML, and the loader that knows line numbers.

What the words in the YAML do lives on the floors above. Importing this package loads none of its modules:
a worker process needs no description of networks to convert a file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapidity.config.data import DataBlock, Guards, Source
    from rapidity.config.evaluation import Deliver, Evaluation
    from rapidity.config.fingerprint import changed_keys, config_fingerprint
    from rapidity.config.inputs import AnyInput, CloudInput, ImageInput, TableInput
    from rapidity.config.loader import LoadedConfig, dump_config, load_config, resolve_paths
    from rapidity.config.preparation import Preparation
    from rapidity.config.run import RunConfig
    from rapidity.config.schema import config_schema
    from rapidity.config.training import Training

_HOMES = {
    "AnyInput": "inputs",
    "CloudInput": "inputs",
    "DataBlock": "data",
    "Deliver": "evaluation",
    "Evaluation": "evaluation",
    "Guards": "data",
    "ImageInput": "inputs",
    "LoadedConfig": "loader",
    "Preparation": "preparation",
    "RunConfig": "run",
    "Source": "data",
    "TableInput": "inputs",
    "Training": "training",
    "changed_keys": "fingerprint",
    "config_fingerprint": "fingerprint",
    "config_schema": "schema",
    "dump_config": "loader",
    "load_config": "loader",
    "resolve_paths": "loader",
}

__all__ = [
    "AnyInput",
    "CloudInput",
    "DataBlock",
    "Deliver",
    "Evaluation",
    "Guards",
    "ImageInput",
    "LoadedConfig",
    "Preparation",
    "RunConfig",
    "Source",
    "TableInput",
    "Training",
    "changed_keys",
    "config_fingerprint",
    "config_schema",
    "dump_config",
    "load_config",
    "resolve_paths",
]


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when it is first asked for."""
    if name not in _HOMES:
        message = f"module '{__name__}' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
