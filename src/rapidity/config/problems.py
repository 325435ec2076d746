"""The errors of pydantic in our words: what is wrong, what was found, what is allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rapidity.config.document import Document, KeyPath, Problem, show_path
from rapidity.config.places import Place, find_place, keys_of_all_blocks
from rapidity.core.errors import closest, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import BaseModel, ValidationError

_EXPECTED = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "tuple": "a list",
    "dict": "a block of keys",
    "model": "a block of keys",
}
"""Type errors of pydantic, by the beginning of their name."""


@dataclass(frozen=True)
class _Finding:
    """One error of pydantic, understood as far as its kind allows."""

    place: Place
    text: str = ""
    expected: str = ""
    names: tuple[str, ...] = ()
    found: Any = None
    extra: str = ""


def collect_problems(error: ValidationError, model: type[BaseModel], document: Document) -> list[Problem]:
    """Return all problems that pydantic found, each with its line."""
    by_choice: dict[KeyPath | int, list[_Finding]] = {}
    for number, details in enumerate(error.errors(include_url=False)):
        if _is_consequence(details):
            continue
        finding = _understand(details, model, document.values)
        alternatives = finding.place.choice_path
        by_choice.setdefault(number if alternatives is None else alternatives, []).append(finding)
    problems = []
    for findings in by_choice.values():
        for finding in _merge_alternatives(findings):
            path = _path_as_written(finding.place.path, document)
            problems.append(Problem(document.where(path), path, _say(finding)))
    return problems


def format_problems(problems: Sequence[Problem], name: str) -> str:
    """Return one message for all problems, in the order of the lines."""
    ordered = sorted(set(problems), key=_order)
    plural = "problem" if len(ordered) == 1 else "problems"
    lines = [f"{len(ordered)} {plural} in {name}"]
    width = max(len(problem.where) for problem in ordered)
    for problem in ordered:
        first, *rest = problem.text.splitlines()
        lines.append(f"  {problem.where:<{width}}  {show_path(problem.path)}: {first}")
        lines.extend(" " * (width + 4) + line for line in rest)
    return "\n".join(lines)


def _order(problem: Problem) -> tuple[bool, int, str, str]:
    number = re.search(r"\d+", problem.where)
    return number is None, int(number.group()) if number else 0, show_path(problem.path), problem.text


def _path_as_written(path: KeyPath, document: Document) -> KeyPath:
    """Undo the short form `features: [...]` of one table input."""
    if path[:2] == ("inputs", "features") and "features" in document.values:
        return ("features", *path[3:])
    return path


def _is_consequence(details: Mapping[str, Any]) -> bool:
    """Whether a list is called too short only because its entries are wrong, which is said elsewhere."""
    is_short = details["type"] == "too_short"
    return is_short and bool(len(details["input"]) >= details["ctx"]["min_length"])


def _understand(details: Mapping[str, Any], model: type[BaseModel], values: Any) -> _Finding:
    kind, found = details["type"], details["input"]
    place = find_place(model, details["loc"], values)
    if kind == "extra_forbidden":
        return _unknown_key(place, find_place(model, details["loc"][:-1], values), model)
    if kind in _RULES:
        return _RULES[kind](place, details.get("ctx", {}), found)
    if kind in {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}:
        return _Finding(place, f"{found!r} is not {_interval(place)}.", found=found)
    expected = _EXPECTED.get(kind.split("_")[0], "")
    if expected and kind.endswith(("_type", "_parsing", "_from_float")):
        return _Finding(place, expected=expected, found=found)
    return _Finding(place, f"{details['msg']}. Found {_show(found)}.", found=found)


def _unknown_key(place: Place, block: Place, model: type[BaseModel]) -> _Finding:
    name = str(place.path[-1])
    allowed = block.keys()
    near = closest(name, allowed, limit=1)
    homes = dict.fromkeys(show_path(path) for path, key in keys_of_all_blocks(model) if key == name)
    hint = ""
    if near:
        hint = f" Did you mean '{near[0]}'?"
    elif 0 < len(homes) <= 3:
        hint = f" It belongs in {' or '.join(homes)}."
    return _Finding(place, f"unknown key.{hint}", extra=f"allowed: {shorten(allowed, 20)}")


def _missing(place: Place, context: Mapping[str, Any], found: Any) -> _Finding:
    return _Finding(place, "this key is missing.")


def _not_listed(place: Place, context: Mapping[str, Any], found: Any) -> _Finding:
    return _Finding(place, names=tuple(re.findall(r"'([^']*)'", context["expected"])), found=found)


def _unknown_tag(place: Place, context: Mapping[str, Any], found: Any) -> _Finding:
    names = tuple(re.findall(r"'([^']*)'", context["expected_tags"]))
    return _Finding(place, names=names, found=context["tag"])


def _no_tag(place: Place, context: Mapping[str, Any], found: Any) -> _Finding:
    if not isinstance(found, dict):
        return _Finding(place, expected="a block with a `type:`, or its name", found=found)
    types = [name for option in place.models() for name in _type_names(option)]
    return _Finding(place, "the key `type` is missing.", extra=f"types: {shorten(types, 20)}")


def _type_names(model: type[BaseModel]) -> list[str]:
    kind = model.model_fields.get("type")
    return [] if kind is None else [str(name) for name in getattr(kind.annotation, "__args__", ())]


def _invalid(place: Place, context: Mapping[str, Any], found: Any) -> _Finding:
    return _Finding(replace(place, description=""), f"{str(context['error']).rstrip('.')}.")


def _too_short(place: Place, context: Mapping[str, Any], found: Any) -> _Finding:
    return _Finding(place, f"needs at least {context['min_length']} entry, found {_show(found)}.")


def _not_finite(place: Place, context: Mapping[str, Any], found: Any) -> _Finding:
    return _Finding(place, f"must be finite, found {found}.")


def _pattern(place: Place, context: Mapping[str, Any], found: Any) -> _Finding:
    text = f"{found!r} cannot be a name. Use letters, digits, '_' and '-', and begin with a letter."
    return _Finding(place, text)


_RULES: dict[str, Callable[..., _Finding]] = {
    "missing": _missing,
    "literal_error": _not_listed,
    "union_tag_invalid": _unknown_tag,
    "union_tag_not_found": _no_tag,
    "value_error": _invalid,
    "too_short": _too_short,
    "finite_number": _not_finite,
    "string_pattern_mismatch": _pattern,
}


def _merge_alternatives(findings: list[_Finding]) -> list[_Finding]:
    """Make one finding of the alternatives of a union that failed side by side."""
    if findings[0].place.choice_path is None:
        return findings
    depth = max(len(finding.place.path) for finding in findings)
    deepest = [finding for finding in findings if len(finding.place.path) == depth]
    told = [finding for finding in deepest if finding.text]
    if told or depth > len(findings[0].place.choice_path):
        return told or deepest
    names = tuple(name for finding in deepest for name in finding.names)
    expected = " or ".join(dict.fromkeys(finding.expected for finding in deepest if finding.expected))
    return [_Finding(deepest[0].place, names=names, expected=expected, found=deepest[-1].found)]


def _say(finding: _Finding) -> str:
    if finding.text:
        description = finding.place.description if not finding.extra else ""
        return "\n".join(part for part in (f"{finding.text} {description}".strip(), finding.extra) if part)
    if finding.names and isinstance(finding.found, str):
        near = closest(finding.found, finding.names, limit=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        other = f", or {finding.expected}" if finding.expected else ""
        return f"'{finding.found}' is not known here.{hint}\nallowed: {shorten(finding.names, 20)}{other}"
    alternatives = [f"'{name}'" for name in finding.names] + ([finding.expected] if finding.expected else [])
    text = f"expected {' or '.join(alternatives)}, found {_show(finding.found)}."
    return f"{text} {finding.place.description}".strip()


def _show(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return f"a block with {shorten(value, 3)}" if value else "an empty block"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _interval(place: Place) -> str:
    """Return the allowed values as ``in [0, 1)``, or ``above 0`` where one end is open."""
    limits: dict[str, Any] = {}
    for constraint in place.constraints():
        limits |= {
            name: getattr(constraint, name) for name in ("gt", "ge", "lt", "le") if hasattr(constraint, name)
        }
    low, high = limits.get("gt"), limits.get("lt")
    at_least, at_most = limits.get("ge"), limits.get("le")
    has_low, has_high = low is not None or at_least is not None, high is not None or at_most is not None
    if has_low and has_high:
        opening = f"({low}" if low is not None else f"[{at_least}"
        return f"in {opening}, {high})" if high is not None else f"in {opening}, {at_most}]"
    if has_low:
        return f"above {low}" if low is not None else f"{at_least} or more"
    return f"below {high}" if high is not None else f"{at_most} or less"
