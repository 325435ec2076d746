"""The whole configuration of a run."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from rapidity.config.augmentation import check_names
from rapidity.config.cluster import ClusterBlock
from rapidity.config.data import DataBlock
from rapidity.config.evaluation import Deliver, Evaluation
from rapidity.config.inputs import AnyInput, CloudInput, ImageInput, TableInput
from rapidity.config.outputs import (
    Outputs,
    check_loss,
    check_outputs,
    describe_score_clash,
    find_classification,
    usual_outputs,
)
from rapidity.config.preparation import Missing, Preparation
from rapidity.config.training import Training
from rapidity.core.block import Block
from rapidity.network.catalogue import Mlp
from rapidity.network.config import NetworkConfig


class RunConfig(Block):
    """One run: events in, one trained and checked ONNX file out."""

    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$")]
    """Name of the run, and of its folder."""
    data: DataBlock
    """Where the events are, and what is known of each."""
    inputs: Annotated[dict[str, AnyInput], Field(min_length=1)]
    """Inputs of the network by name; `features: [...]` is short for one table input."""
    outputs: Outputs = Field(default_factory=usual_outputs)
    """What the network says of an event, by name; left out, its class."""
    preparation: Preparation = Preparation()
    """Splits, missing values, transforms."""
    network: NetworkConfig = Mlp(type="mlp")
    """A network of the catalogue, or `layers: [...]`."""
    training: Training = Training()
    """How the network is trained."""
    evaluation: Evaluation = Evaluation()
    """What is reported of it."""
    deliver: Deliver = Deliver()
    """Copies under names of one's own, and the form of the model file."""
    cluster: ClusterBlock | None = None
    """Machines that share the folds of `training.folds`; `--cluster` replaces it."""

    @model_validator(mode="before")
    @classmethod
    def _features_is_short_for_one_table(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "features" not in values:
            return values
        if "inputs" in values:
            message = "features and inputs are both given. Keep one of them"
            raise ValueError(message)
        rest = {key: value for key, value in values.items() if key != "features"}
        return {**rest, "inputs": {"features": {"kind": "table", "columns": values["features"]}}}

    @model_validator(mode="after")
    def _preparation_names_known_inputs(self) -> Self:
        unknown = sorted(set(self.preparation.inputs) - set(self.inputs))
        if unknown:
            message = f"preparation.inputs names {unknown}, but the inputs are {sorted(self.inputs)}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _images_are_prepared_as_images(self) -> Self:
        images = [name for name, config in self.inputs.items() if isinstance(config, ImageInput)]
        for name in images:
            block = self.preparation.inputs.get(name)
            if block is not None and block.missing is not None:
                message = (
                    f"preparation.inputs.{name}.missing: '{name}' is an image, and images have no missing "
                    "values: NaN in a pixel is always an error. Remove `missing`"
                )
                raise ValueError(message)
        if len(images) == len(self.inputs) and self.preparation.missing != Missing():
            message = (
                "preparation.missing is given, but all inputs are images, which have no missing values: NaN "
                "in a pixel is always an error. Remove `missing`"
            )
            raise ValueError(message)
        if images and self.deliver.signature == "matrix":
            message = (
                f"deliver.signature is matrix, one number a column, but {images} are images. "
                "Leave it out: each column is then an input of its own"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _clouds_have_names_of_their_own(self) -> Self:
        clouds = [name for name, config in self.inputs.items() if isinstance(config, CloudInput)]
        taken = {f"{name}.{part}" for name in clouds for part in ("mask", "momenta", "coordinates")}
        tables = {name: config for name, config in self.inputs.items() if isinstance(config, TableInput)}
        taken |= {f"{name}.momenta" for name, table in tables.items() if table.momenta is not None}
        clashing = sorted(taken & set(self.inputs))
        if clashing:
            message = (
                f"inputs: {clashing} are made by the input of the same name. Give your own inputs other names"
            )
            raise ValueError(message)
        if clouds and self.deliver.signature == "matrix":
            message = (
                f"deliver.signature is matrix, one number a column, but {clouds} are clouds of objects. "
                "Leave it out: each column is then an input of its own"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _augmentation_changes_what_is_there(self) -> Self:
        kinds = {name: config.kind for name, config in self.inputs.items()}
        check_names(self.training.augmentation, self.data.objects, kinds)
        return self

    @model_validator(mode="after")
    def _outputs_fit(self) -> Self:
        kinds = {name: config.kind for name, config in self.inputs.items()}
        watched = self.training.early_stopping
        check_outputs(self.outputs, kinds, watched.monitor if watched is not None else "loss")
        check_loss(self.outputs, self.training.loss)
        clash = describe_score_clash(self.outputs, self.data.class_names if self.classification else ())
        if clash is not None:
            message = f"outputs: {clash}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _a_classification_has_classes(self) -> Self:
        if self.classification is not None and not self.data.has_classes:
            message = (
                "the class of the events is not given. Set data.target to the column that holds it, "
                "or give each source a `class:`"
            )
            raise ValueError(message)
        return self

    @property
    def classification(self) -> str | None:
        """Name of the output that is a classification; None without one."""
        return find_classification(self.outputs)

    @model_validator(mode="after")
    def _folds_have_an_event_number(self) -> Self:
        if self.training.folds is None:
            return self
        key, wanted = self.data.event_key, self.training.folds.event_number
        if not key:
            message = (
                "training.folds tells the folds by an event number, but data.event_key is not given. "
                "Name the columns that identify an event, such as event_key: [run, event]"
            )
            raise ValueError(message)
        if wanted is not None and wanted not in key:
            message = (
                f"training.folds.event_number is '{wanted}', which is not in data.event_key {list(key)}. "
                "Take a column of the key: events of one key must fall into one fold"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _folds_make_the_split(self) -> Self:
        if self.training.folds is None:
            return self
        if "split" in self.preparation.model_fields_set:
            message = (
                "preparation.split and training.folds are both given, but the folds make the split: fold i "
                "tests network i, the next fold validates it, the others train it. Remove preparation.split"
            )
            raise ValueError(message)
        fixed = [index for index, source in enumerate(self.data.sources) if source.split is not None]
        if fixed:
            message = (
                f"data.sources[{fixed[0]}].split fixes the split of its events, but training.folds makes the "
                "split of every event: each is tested once. Remove `split:` from the sources, or folds"
            )
            raise ValueError(message)
        return self

    @property
    def fold_column(self) -> str | None:
        """The column whose value modulo `training.folds.count` is the fold; None without folds."""
        if self.training.folds is None or not self.data.event_key:
            return None
        return self.training.folds.event_number or self.data.event_key[-1]

    @model_validator(mode="after")
    def _delivered_plots_are_drawn(self) -> Self:
        drawn = dict.fromkeys(("png", *self.evaluation.formats))
        for key in ("roc", "history", "confusion"):
            name = getattr(self.deliver, key)
            if name is not None and PurePath(name).suffix[1:] not in drawn:
                formats = ", ".join(drawn)
                message = (
                    f"deliver.{key} is '{name}', but plots are drawn as {formats}. "
                    "End the name with one of these, or add its format to evaluation.formats"
                )
                raise ValueError(message)
        return self
