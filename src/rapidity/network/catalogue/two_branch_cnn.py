"""A convolutional network with a branch for each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from rapidity.core.errors import GraphError
from rapidity.network.catalogue.convolutional import ConvolutionalNetwork, dense_layers
from rapidity.network.catalogue.images import IMAGE_AXES, describe_inputs
from rapidity.network.catalogue.rows import flat_name
from rapidity.network.layer import Shape
from rapidity.network.layers import Concatenate, Flatten
from rapidity.network.layers.masks import is_optional

if TYPE_CHECKING:
    from rapidity.network.layer import Layer


class TwoBranchCnn(ConvolutionalNetwork):
    """Convolutional branches, one for each image input (hit energies, hit times), that meet in dense layers.

    The images may differ in size and channels. Table inputs join the branches where they meet.
    """

    paper: ClassVar[str] = "late fusion of Karpathy et al., CVPR 2014, p. 1725"
    reference_inputs: ClassVar[Mapping[str, Shape]] = {
        "energy": (16, 16, 1),
        "time": (16, 16, 1),
        "features": (4,),
    }

    type: Literal["two_branch_cnn"]

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the blocks of each image and flatten; concatenate with the tables; the dense layers."""
        inputs = {name: shape for name, shape in inputs.items() if not is_optional(name, inputs)}
        images = {name: shape for name, shape in inputs.items() if len(shape) == IMAGE_AXES}
        if not images or any(len(shape) not in (1, IMAGE_AXES) for shape in inputs.values()):
            message = (
                f"network '{self.type}' takes one image (height, width, channels) or more, and tables,"
                f" but the inputs are {describe_inputs(inputs)}."
                "\n  Give it an input of kind image, or use 'mlp'."
            )
            raise GraphError(message)
        layers: list[Layer] = []
        for name, shape in images.items():
            layers += [
                *self.blocks(name, shape, inputs=name),
                Flatten(type="flatten", name=flat_name(name)),
            ]
        if len(inputs) > 1:
            rows = tuple(flat_name(name) if name in images else name for name in inputs)
            layers.append(Concatenate(type="concatenate", inputs=rows))
        return [*layers, *dense_layers(self.hidden, self.activation, self.dropout)]
