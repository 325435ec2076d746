"""Writes the reference of the YAML keys from the pydantic models, so that it cannot drift from them."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

from rapidity.config.augmentation import (
    BoostZ,
    DropObjects,
    Flip,
    MixUp,
    ReflectEta,
    RotatePhi,
    Shift,
    SmearMomentum,
)
from rapidity.config.cluster import (
    HTCondorCluster,
    LocalCluster,
    LsfCluster,
    PbsCluster,
    SchedulerCluster,
    SgeCluster,
    SlurmCluster,
)
from rapidity.config.collections import ObjectArrays
from rapidity.config.conversion import (
    ConversionConfig,
    ConversionSource,
    ConvertedCollection,
    ConvertedColumn,
)
from rapidity.config.data import DataBlock, Guards, Source
from rapidity.config.evaluation import Deliver, Evaluation
from rapidity.config.inputs import CloudInput, ImageInput, TableInput
from rapidity.config.outputs import (
    AbsoluteError,
    AssignmentOutput,
    ClassificationOutput,
    Huber,
    LogCosh,
    RegressionOutput,
    SquaredError,
)
from rapidity.config.preparation import (
    Clip,
    Divide,
    FeaturePreparation,
    Log,
    MinMax,
    Missing,
    Preparation,
    Robust,
    SplitBy,
    SplitColumn,
    SplitFractions,
    Standard,
    SymmetricLog,
)
from rapidity.config.run import RunConfig
from rapidity.config.training import (
    Adagrad,
    Adam,
    AdamW,
    Constant,
    Cosine,
    CrossEntropy,
    EarlyStopping,
    Focal,
    Folds,
    OneCycle,
    ReduceOnPlateau,
    Regularization,
    RmsProp,
    Sgd,
    Step,
    Training,
    TrainingWeight,
)
from rapidity.network import CATALOGUE, LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rapidity.core.block import Block

CHAPTERS: dict[str, dict[str, Iterable[type[Block]]]] = {
    "The whole file": {"": [RunConfig]},
    "data": {
        "data": [DataBlock],
        "data.sources": [Source],
        "data.collections.NAME": [ObjectArrays],
        "data.guards": [Guards],
    },
    "inputs": {"inputs.NAME": [TableInput, ImageInput, CloudInput]},
    "outputs": {
        "outputs.NAME": [ClassificationOutput, RegressionOutput, AssignmentOutput],
        "outputs.NAME.loss": [SquaredError, AbsoluteError, Huber, LogCosh],
    },
    "preparation": {
        "preparation": [Preparation],
        "preparation.split": [SplitFractions, SplitBy, SplitColumn],
        "preparation.missing": [Missing],
        "transforms and scale": [Clip, Log, SymmetricLog, Divide, Standard, Robust, MinMax],
        "preparation.inputs.NAME and preparation.columns.NAME": [FeaturePreparation],
    },
    "network": {"network of the catalogue": CATALOGUE.values(), "layers": LAYERS.values()},
    "training": {
        "training": [Training],
        "training.optimizer": [Sgd, Adagrad, RmsProp, Adam, AdamW],
        "training.schedule": [Constant, Step, Cosine, OneCycle, ReduceOnPlateau],
        "training.loss": [CrossEntropy, Focal],
        "training.weight": [TrainingWeight],
        "training.augmentation": [
            RotatePhi,
            ReflectEta,
            BoostZ,
            SmearMomentum,
            DropObjects,
            Flip,
            Shift,
            MixUp,
        ],
        "training.regularization": [Regularization],
        "training.early_stopping": [EarlyStopping],
        "training.folds": [Folds],
    },
    "evaluation": {"evaluation": [Evaluation]},
    "deliver": {"deliver": [Deliver]},
    "cluster": {
        "cluster": [
            LocalCluster,
            SchedulerCluster,
            SlurmCluster,
            HTCondorCluster,
            PbsCluster,
            LsfCluster,
            SgeCluster,
        ],
    },
    "conversion (a file of its own)": {
        "the whole file": [ConversionConfig],
        "sources": [ConversionSource],
        "columns": [ConvertedColumn],
        "collections.NAME": [ConvertedCollection],
    },
}


def write_reference(path: Path) -> None:
    """Write the page."""
    lines = ["# Configuration reference", "", "Every key, from the models that read it.", ""]
    for chapter, parts in CHAPTERS.items():
        lines += [f"## {chapter}", ""]
        for where, blocks in parts.items():
            for block in blocks:
                lines += describe_block(where, block)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def describe_block(where: str, block: type[Block]) -> list[str]:
    """Return the section of one model: its sentence, and a table of its keys."""
    kind = block.model_fields.get("type", block.model_fields.get("kind"))
    title = f"`{kind_name(kind)}`" if kind is not None else f"`{where}`" if where else "Its blocks"
    lines = [f"### {title}" + (f" ({where})" if kind is not None and where else ""), ""]
    lines += [inspect.getdoc(block) or "", "", "| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in block.model_fields.items():
        if name == "type":
            continue
        cells = [
            f"`{field.alias or name}`",
            type_name(field.annotation),
            default_text(field),
            field.description or "",
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return [*lines, ""]


def kind_name(field: Any) -> str:
    """Return the word of `type:` that means a model."""
    return str(field.annotation.__args__[0])


def type_name(annotation: Any) -> str:
    """Return a type as readers of YAML know it."""
    text = inspect.formatannotation(annotation)
    for long, short in (
        ("typing.", ""),
        ("None", "null"),
        ("tuple[int, int]", "int | [int, int]"),  # One number stands for two equal ones.
        ("tuple[", "list["),
        (", ...]", "]"),
    ):
        text = text.replace(long, short)
    text = re.sub(r"Optional\[(Literal\[[^]]*\])\]", r"\1 | null", text)
    text = re.sub(r"Literal\[([^]]*)\]", r"\1", text)
    text = re.sub(r"^Union\[(.*)\]$", r"\1", text)
    return f"`{text}`" if len(text) <= 60 and "rapidity" not in text and "Annotated" not in text else ""


def default_text(field: Any) -> str:
    """Return the default as it would stand in YAML; empty for a key that must be given."""
    if field.default_factory is not None:
        return "`{}`"
    if field.default is PydanticUndefined:
        return "required"
    if hasattr(field.default, "model_dump"):
        return "see below"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{str(value).lower() if isinstance(value, bool) else 'null' if value is None else value}`"
