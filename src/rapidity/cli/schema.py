"""`rapidity schema`."""

from rapidity.cli.outcome import print_json


def schema() -> None:
    """Print the JSON schema of configurations.

    Editors use it for completion, help and checks while you write.
    """
    from rapidity.config.schema import config_schema

    print_json(config_schema())
