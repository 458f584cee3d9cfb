"""Strict YAML into frozen dataclasses, with every fault at once as ``path:line: key: message``.

PyYAML alone is unsafe for a vehicle: it takes a key given twice, reads ``no`` as False and ``12:30:00`` as
45000. This reader refuses the first, and reads the other two as the text that they are.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import yaml

from hullscan.errors import Fault, InputError, MissionFileError

__all__ = ["OneOf", "Reader", "read_document"]

T = TypeVar("T")
Reader = Callable[[Any], list[tuple[tuple[str | int, ...], str]]]
"""A check across fields: gets the built object, returns (key path, message) for each fault."""

_MAX_BYTES = 4_000_000


@dataclass(frozen=True, eq=False)  # hashable, so that annotations can stand inside each other
class OneOf:
    """Says which class of a union a mapping is read into, so that its faults are those of that class alone.

    Stands in ``Annotated[A | B, OneOf(...)]``.

    Attributes:
        kinds: the classes by name; other types may stand there too.
        name_of: a mapping, or an object already built, to a name; empty where none is given.
        key: that the name is given by.
    """

    kinds: Mapping[str, Any]
    name_of: Callable[[Any], str]
    key: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Pydantic's hook for annotations."""
        from pydantic_core import core_schema

        choices = {name: handler.generate_schema(kind) for name, kind in self.kinds.items()}
        return core_schema.tagged_union_schema(choices, self.name_of)


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 booleans and numbers: no yes/no/on/off, no sexagesimal, no octal, no dates."""


_StrictLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$",
        "-+0123456789.",
    ),
):
    _StrictLoader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


KeyPath = tuple[str | int, ...]


class _Lines:
    """Line of every key and value of a YAML tree, and the keys that were given twice."""

    def __init__(self, path: str, root: yaml.Node | None) -> None:
        self.path = path
        self.line_of: dict[KeyPath, int] = {(): 1}
        self.faults: list[Fault] = []
        if root is not None:
            self._walk(root, ())

    def _walk(self, node: yaml.Node, at: KeyPath) -> None:
        self.line_of.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key_node, value_node in node.value:
                line = key_node.start_mark.line + 1
                key = str(key_node.value)
                if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
                    self.faults.append(Fault(self.path, line, _dotted(at), "keys must be plain names"))
                    continue
                if key in first:
                    message = f"given twice (first on line {first[key]})"
                    self.faults.append(Fault(self.path, line, _dotted((*at, key)), message))
                    continue
                first[key] = line
                self.line_of[(*at, key)] = line
                self._walk(value_node, (*at, key))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._walk(item, (*at, index))

    def line(self, at: KeyPath) -> int:
        while at not in self.line_of:
            at = at[:-1]
        return self.line_of[at]

    def fault(self, at: KeyPath, message: str) -> Fault:
        return Fault(self.path, self.line(at), _dotted(at), message)


def _dotted(at: KeyPath) -> str:
    text = ""
    for part in at:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_document(path: Path, kind: type[T], *checks: Reader, part: bool = False) -> T:
    """Read a YAML file into a frozen dataclass.

    Args:
        path: the file.
        kind: a dataclass whose fields carry their ranges (``units``); nested dataclasses, tuples and literals.
        checks: checks across fields, run when every single field is right.
        part: read only the top-level keys that ``kind`` knows, of a document that has more.

    Raises:
        InputError: the file cannot be read.
        MissionFileError: it has faults; all of them are listed.
    """
    from pydantic import ValidationError

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", todo="check the name and the rights") from error
    if len(raw) > _MAX_BYTES:
        raise InputError(f"{path} has {len(raw)} bytes", todo=f"a document has at most {_MAX_BYTES}")
    shown = str(path)
    root, data = _parse(shown, raw)
    lines = _Lines(shown, root)
    if not isinstance(data, dict):
        raise MissionFileError([*lines.faults, Fault(shown, 1, "", "expected keys and values, found none")])
    if part:
        known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        data = {key: value for key, value in data.items() if key in known}
    try:
        built: T = _adapter(cast(Hashable, kind)).validate_python(data, strict=False)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # a list whose only entries are faulty counts as too short as well
        errors = [item for item in errors if item["type"] != "too_short" or not item["input"]] or errors
        faults = [_fault_from(lines, kind, item) for item in errors]
        raise MissionFileError([*lines.faults, *_distinct(faults)]) from None
    faults = [lines.fault(at, message) for check in checks for at, message in check(built)]
    if lines.faults or faults:
        raise MissionFileError([*lines.faults, *faults])
    return built


def _parse(shown: str, raw: bytes) -> tuple[yaml.Node | None, Any]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise MissionFileError([Fault(shown, line, "", "not UTF-8 text; save the file as UTF-8")]) from None
    try:
        loader = _StrictLoader(text)
        root = loader.get_single_node()
        _refuse_aliases(shown, text)
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise MissionFileError([Fault(shown, mark.line + 1 if mark else 1, "", message)]) from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        line = int(getattr(error, "position", 0) and text[: getattr(error, "position", 0)].count("\n")) + 1
        message = str(error).splitlines()[0] if str(error) else "not readable as YAML"
        raise MissionFileError([Fault(shown, line, "", message)]) from None
    return root, data


def _refuse_aliases(shown: str, text: str) -> None:
    """Anchors and aliases can grow a small file without bound; documents do not need them."""
    for event in yaml.parse(text, Loader=_StrictLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise MissionFileError([Fault(shown, line, "", "aliases (*name) are not supported")])


@functools.cache
def _adapter(kind: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    _forbid_unknown(kind, ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True), set())
    return TypeAdapter(kind)


def _forbid_unknown(kind: Any, config: Any, seen: set[Any]) -> None:
    """Give each nested dataclass the strict configuration, so that domain classes stay plain."""
    if kind in seen:
        return
    seen.add(kind)
    if is_dataclass(kind):
        setattr(kind, "__pydantic_config__", config)  # noqa: B010 (no static name for a class attribute set late)
        for hint in get_type_hints(kind).values():
            _forbid_unknown(hint, config, seen)
    for argument in get_args(kind):
        _forbid_unknown(argument, config, seen)


def _fault_from(lines: _Lines, kind: type[Any], item: Any) -> Fault:
    at: KeyPath = _real_path(item["loc"], lines, is_key=item["type"] in _OF_KEYS)
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        allowed = _allowed_keys(kind, item["loc"][:-1])
        close = difflib.get_close_matches(str(at[-1]), allowed, n=1, cutoff=0.6)
        known = f"; known keys: {', '.join(allowed)}" if allowed else ""
        return lines.fault(at, "unknown key" + (f"; did you mean {close[0]}?" if close else known))
    if item["type"] == "union_tag_invalid":
        return _unknown_kind(lines, at, item)
    message = str(item["msg"])
    message = (message[0].lower() + message[1:]).replace("tuple", "list")  # as it is called in the file
    if item["type"] in ("missing", "missing_argument"):
        return lines.fault(at, "required, but not given")
    given = item.get("input")
    if isinstance(given, str | int | float | bool) or given is None:
        choices = item.get("ctx", {}).get("expected", "")
        close = difflib.get_close_matches(str(given), re.findall(r"'([^']*)'", str(choices)), n=1)
        message += f" (got {given!r})" + (f"; did you mean {close[0]}?" if close else "")
    return lines.fault(at, message)


def _real_path(loc: tuple[str | int, ...], lines: _Lines, *, is_key: bool) -> KeyPath:
    """Pydantic's location without the names of union members, which are not in the file.

    Args:
        is_key: whether its last part is a key, missing or unknown.
    """
    at: KeyPath = ()
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if (*at, part) in lines.line_of or (last and is_key):
            at = (*at, part)
    return at


_OF_KEYS = ("missing", "missing_argument", "unexpected_keyword_argument", "extra_forbidden")
_TAGS = ("type", "pattern", "kind")  # keys that say which class of a union a mapping is read into


def _unknown_kind(lines: _Lines, at: KeyPath, item: Any) -> Fault:
    """A mapping whose kind is none of those known."""
    given = item["ctx"]["tag"]
    choices = re.findall(r"'([^']*)'", str(item["ctx"]["expected_tags"]))
    if not isinstance(item["input"], dict):
        return lines.fault(at, f"input should be a mapping (got {item['input']!r})")
    if not given:
        return lines.fault(at, f"says not which it is: one of {', '.join(choices)}")
    named = next((path for path in lines.line_of if path[:-1] == at and path[-1] in _TAGS), at)
    close = difflib.get_close_matches(given, choices, n=1)
    message = f"input should be one of {', '.join(choices)} (got {given!r})"
    return lines.fault(named, message + (f"; did you mean {close[0]}?" if close else ""))


def _allowed_keys(kind: Any, at: KeyPath) -> list[str]:
    """Field names of the dataclass that stands at a location, in which the names of ``OneOf`` kinds may stand."""
    found = [kind]
    for part in at:
        if not isinstance(part, str):
            continue
        inner: list[Any] = []
        for candidate in found:
            inner += [one.kinds[part] for one in _one_of_in(candidate) if part in one.kinds]
            for each in _dataclasses_in(candidate):
                if part in (hints := get_type_hints(each, include_extras=True)):
                    inner.append(hints[part])
        found = inner
    return sorted({field.name for candidate in found for each in _dataclasses_in(candidate) for field in fields(each)})


def _dataclasses_in(kind: Any) -> list[Any]:
    if isinstance(kind, type) and is_dataclass(kind):
        return [kind]
    return [each for argument in get_args(kind) for each in _dataclasses_in(argument)]


def _one_of_in(kind: Any) -> list[OneOf]:
    if get_origin(kind) is Annotated and (own := [each for each in get_args(kind) if isinstance(each, OneOf)]):
        return own
    return [each for argument in get_args(kind) for each in _one_of_in(argument)]


def _distinct(faults: list[Fault]) -> list[Fault]:
    """One fault for each key: a union reports the same key once for each of its members."""
    seen: dict[tuple[int, str], Fault] = {}
    for fault in faults:
        seen.setdefault((fault.line, fault.key), fault)
    return list(seen.values())
