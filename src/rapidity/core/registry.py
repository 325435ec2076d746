"""A table from names to variants, with an error that lists the nearest names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from rapidity.core.errors import ConfigError, RapidityError, closest, shorten

Variant = TypeVar("Variant")


class Registry(Mapping[str, Variant], Generic[Variant]):
    """Named variants of one kind of thing, in the order of registration.

    Examples
    --------
    >>> readers = Registry("reader", {"csv": "CsvReader", "parquet": "ParquetReader"})
    >>> readers.get_variant("parqet")
    Traceback (most recent call last):
    rapidity.core.errors.ConfigError: unknown reader 'parqet'. Did you mean 'parquet'? Known: csv, parquet
    """

    def __init__(
        self, kind: str, variants: Mapping[str, Variant], error: type[RapidityError] = ConfigError
    ) -> None:
        self.kind = kind
        self._variants = dict(variants)
        self._error = error

    def get_variant(self, name: str) -> Variant:
        """Return the variant called `name`; an unknown name is an error that shows the near ones."""
        if name in self._variants:
            return self._variants[name]
        near = closest(name, self._variants)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        message = f"unknown {self.kind} '{name}'.{hint} Known: {shorten(self._variants)}"
        raise self._error(message)

    def __getitem__(self, name: str) -> Variant:
        return self._variants[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variants)

    def __len__(self) -> int:
        return len(self._variants)
