"""The base of every record that a user writes in YAML: immutable, and closed to unknown keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """One block of YAML.

    Frozen, so that a configuration can be shared and hashed; unknown keys are errors, so that a
    misspelt key is never ignored.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        validate_default=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
