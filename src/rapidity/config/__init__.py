"""One pydantic model per block of YAML, and the loader that knows line numbers.

What the words in the YAML do lives on the floors above.
"""

from __future__ import annotations

from rapidity.config.data import DataBlock, Guards, Source
from rapidity.config.evaluation import Deliver, Evaluation
from rapidity.config.fingerprint import changed_keys, config_fingerprint
from rapidity.config.inputs import AnyInput, ImageInput, TableInput
from rapidity.config.loader import LoadedConfig, dump_config, load_config, resolve_paths
from rapidity.config.preparation import Preparation
from rapidity.config.run import RunConfig
from rapidity.config.schema import config_schema
from rapidity.config.training import Training

__all__ = [
    "AnyInput",
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
