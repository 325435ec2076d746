"""The public data sets that can be fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.registry import Registry
from rapidity.samples.public.cifar10 import CIFAR10
from rapidity.samples.public.digits import DIGITS
from rapidity.samples.public.electron_photon import ELECTRON_PHOTON
from rapidity.samples.public.lhcb_pid import LHCB_PID
from rapidity.samples.public.mnist import MNIST
from rapidity.samples.public.qg_jets import QG_JETS, QG_JETS_ALL
from rapidity.samples.public.quark_gluon import QUARK_GLUON

if TYPE_CHECKING:
    from rapidity.samples.public.data_set import PublicDataSet

_ENTRIES = (MNIST, DIGITS, CIFAR10, LHCB_PID, ELECTRON_PHOTON, QUARK_GLUON, QG_JETS, QG_JETS_ALL)

PUBLIC_DATA_SETS: Registry[PublicDataSet] = Registry("data set", {entry.name: entry for entry in _ENTRIES})
