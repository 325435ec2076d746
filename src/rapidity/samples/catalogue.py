"""The samples that can be generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.registry import Registry
from rapidity.samples.hww_ttbar import HWW_TTBAR

if TYPE_CHECKING:
    from rapidity.samples.sample import Sample

SAMPLES: Registry[Sample] = Registry("sample", {HWW_TTBAR.name: HWW_TTBAR})
