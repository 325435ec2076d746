from __future__ import annotations

import pytest

from rapidity.core import errors
from rapidity.core.registry import Registry


def all_errors():
    return [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    ]


@pytest.mark.parametrize("error", all_errors())
def test_message_is_printed_as_written(error):
    assert str(error("two\n  lines")) == "two\n  lines"


@pytest.mark.parametrize("error", all_errors())
def test_every_error_but_the_base_fits_a_builtin_or_says_its_exit_code(error):
    builtin = [
        base for base in error.__mro__ if base.__module__ == "builtins" and base not in (Exception, object)
    ]
    own_code = error.exit_code != errors.RapidityError.exit_code
    assert error is errors.RapidityError or own_code or any(base is not BaseException for base in builtin)


def test_exit_codes_are_those_of_the_command_line():
    assert errors.DataError.exit_code == 2
    assert errors.ParityError.exit_code == 3
    assert errors.InterruptedRunError.exit_code == 130


def test_registry_shows_near_names_in_the_error_of_its_kind():
    registry = Registry("layer", {"dense": 1, "dropout": 2}, errors.GraphError)
    assert registry.get_variant("dense") == 1
    assert list(registry) == ["dense", "dropout"]
    with pytest.raises(errors.GraphError, match=r"unknown layer .dens.\. Did you mean .dense."):
        registry.get_variant("dens")
