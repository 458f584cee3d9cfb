"""Strict YAML into frozen dataclasses, with every fault at once as ``path:line: key: message``.

PyYAML alone is unsafe for a vehicle: it takes a key given twice, reads ``no`` as False and ``12:30:00`` as
45000. This reader refuses the first, and reads the other two as the text that they are.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_type_hints

import yaml

from hullscan.errors import Fault, InputError, MissionFileError

__all__ = ["Reader", "read_document"]

T = TypeVar("T")
Reader = Callable[[Any], list[tuple[tuple[str | int, ...], str]]]
"""A check across fields: gets the built object, returns (key path, message) for each fault."""

_MAX_BYTES = 4_000_000


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
        faults = [_fault_from(lines, kind, item) for item in error.errors(include_url=False)]
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
    at: KeyPath = _real_path(item["loc"], lines)
    if item["type"].startswith("union_tag_"):
        return _fault_of_tag(lines, at, item["ctx"])
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        allowed = _allowed_keys(kind, at[:-1], tags=set(item["loc"]) - set(at))
        close = difflib.get_close_matches(str(at[-1]), allowed, n=1, cutoff=0.6)
        known = f"; known keys: {', '.join(allowed)}" if allowed else ""
        return lines.fault(at, "unknown key" + (f"; did you mean {close[0]}?" if close else known))
    message = str(item["msg"])
    message = message[0].lower() + message[1:]
    if item["type"] in ("missing", "missing_argument"):
        return lines.fault(at, "required, but not given")
    given = item.get("input")
    if isinstance(given, str | int | float | bool) or given is None:
        choices = item.get("ctx", {}).get("expected", "")
        close = difflib.get_close_matches(str(given), re.findall(r"'([^']*)'", str(choices)), n=1)
        message += f" (got {given!r})" + (f"; did you mean {close[0]}?" if close else "")
    return lines.fault(at, message)


def _fault_of_tag(lines: _Lines, at: KeyPath, context: Any) -> Fault:
    """The key that says which of several kinds an entry is, is missing or names none of them."""
    at = (*at, str(context["discriminator"]).strip("'"))
    if "tag" not in context:
        return lines.fault(at, "required, but not given")
    known = re.findall(r"'([^']*)'", str(context["expected_tags"]))
    close = difflib.get_close_matches(str(context["tag"]), known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
    return lines.fault(at, f"there is no such {at[-1]} (got {context['tag']!r}); {hint}")


def _real_path(loc: tuple[str | int, ...], lines: _Lines) -> KeyPath:
    """Pydantic's location without the names of union members, which are not in the file."""
    at: KeyPath = ()
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if (*at, part) in lines.line_of or last:
            at = (*at, part)
    return at


def _allowed_keys(kind: Any, at: KeyPath, tags: set[str | int]) -> list[str]:
    """Field names of the dataclass that stands at a key path; of several kinds there, those with one of the tags."""
    found = [kind]
    for part in at:
        inner: list[Any] = []
        for candidate in found:
            for each in _dataclasses_in(candidate):
                if isinstance(part, str) and part in (hints := get_type_hints(each)):
                    inner.append(hints[part])
        found = inner if isinstance(part, str) else found
    candidates = [each for candidate in found for each in _dataclasses_in(candidate)]
    tagged = [each for each in candidates if any(_is_tag(field.default, tags) for field in fields(each))]
    return sorted({field.name for each in tagged or candidates for field in fields(each)})


def _is_tag(default: object, tags: set[str | int]) -> bool:
    return isinstance(default, str) and default in tags


def _dataclasses_in(kind: Any) -> list[Any]:
    if is_dataclass(kind):
        return [kind]
    return [each for argument in get_args(kind) for each in _dataclasses_in(argument)]


def _distinct(faults: list[Fault]) -> list[Fault]:
    """One fault for each key: a union reports the same key once for each of its members."""
    seen: dict[tuple[int, str], Fault] = {}
    for fault in faults:
        seen.setdefault((fault.line, fault.key), fault)
    return list(seen.values())
