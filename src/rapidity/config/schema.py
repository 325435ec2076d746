"""The JSON schema of configurations, for completion and checks in editors."""

from __future__ import annotations

from typing import Any

from rapidity.config.run import RunConfig

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """Return the JSON schema (2020-12) of a configuration, short forms included.

    What depends on several keys at once (fractions that add up, say) is left to `load_config`.

    Examples
    --------
    >>> schema = config_schema()
    >>> sorted(schema["required"])
    ['data', 'name']
    """
    schema = RunConfig.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    schema = _with_bare_names(schema, definitions)
    return {"$schema": _DRAFT, **_with_features(schema)}


def _with_features(schema: dict[str, Any]) -> dict[str, Any]:
    """Allow `features: [...]` in the place of `inputs`."""
    columns = schema["$defs"]["TableInput"]["properties"]["columns"]
    features = {**columns, "title": "Features"}
    required = [name for name in schema["required"] if name != "inputs"]
    properties = {**schema["properties"], "features": features}
    either = [{"required": ["inputs"]}, {"required": ["features"]}]
    return {**schema, "properties": properties, "required": required, "oneOf": either}


def _with_bare_names(node: Any, definitions: dict[str, Any]) -> Any:
    """Let a bare name stand for a block with only a `type`, as the loader does."""
    if isinstance(node, list):
        return [_with_bare_names(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {
        key: _with_bare_names(value, definitions) for key, value in node.items() if key != "discriminator"
    }
    if "discriminator" not in node or "mapping" not in node["discriminator"]:
        return plain
    names = [
        name
        for name, reference in node["discriminator"]["mapping"].items()
        if set(definitions[reference.rpartition("/")[2]].get("required", ())) <= {"type"}
    ]
    blocks = plain.pop("oneOf")
    return {**plain, "anyOf": [{"enum": names, "type": "string"}, {"oneOf": blocks}]}
