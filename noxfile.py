"""Sessions for the public host; `make test` runs the first two in one environment."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "tests"]

PARALLEL = ("--numprocesses", "logical", "--dist", "loadfile")
"""A process for each core; tests of one file stay together, since they share what is slow to make."""


@nox.session
def lint(session: nox.Session) -> None:
    """Run the linters."""
    session.install("-c", "constraints.txt", "-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests with the pinned versions."""
    session.install("-c", "constraints.txt", "-e", ".[dev]")
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session
def numpy_alone(session: nox.Session) -> None:
    """Run the unit tests without PyTorch, TensorFlow or Pythia."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run("pytest", "src", "tests/unit", *session.posargs)


@nox.session
@nox.parametrize("engine", ["torch", "tensorflow"])
def tests_engine(session: nox.Session, engine: str) -> None:
    """Run the tests of one engine, the only one installed beside numpy; its absence is an error."""
    session.install("-c", "constraints.txt", "-e", f".[{engine},test]")
    session.run("pytest", "--engine", engine, *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """Run all tests with the newest versions of everything."""
    session.install("--upgrade", "-e", ".[dev]")
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-c", "constraints.txt", "-e", ".[dev,docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
