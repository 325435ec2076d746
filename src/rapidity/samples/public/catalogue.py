"""The public data sets that can be fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.registry import Registry
from rapidity.samples.public.digits import DIGITS
from rapidity.samples.public.electron_photon import ELECTRON_PHOTON
from rapidity.samples.public.lhcb_pid import LHCB_PID
from rapidity.samples.public.mnist import MNIST

if TYPE_CHECKING:
    from rapidity.samples.public.data_set import PublicDataSet

PUBLIC_DATA_SETS: Registry[PublicDataSet] = Registry(
    "data set", {entry.name: entry for entry in (MNIST, DIGITS, LHCB_PID, ELECTRON_PHOTON)}
)
