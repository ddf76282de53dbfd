"""A YAML file with the lines of what stands in it, so that a mistake can be pointed at. PURE.

Differs from plain YAML where that helps whoever writes by hand: a key that stands twice is a mistake,
and a date is text (`api_version: 2025-03-01`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Loc = tuple[int | str, ...]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


@dataclass(frozen=True, order=True)
class Mistake:
    line: int
    where: str
    said: str

    def __str__(self) -> str:
        return f"{self.where}: {self.said}" if self.where else self.said


class Unreadable(Exception):
    """Not YAML at all."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.mistake = Mistake(line, "", said)


class Document:
    def __init__(self, text: str) -> None:
        """Raises Unreadable, whose words hold no piece of the text: it may be a key."""
        try:
            loader = _Loader(text)
            self._root = loader.get_single_node()
            self.mistakes = list(_twice(self._root, (), ()))
            self.value: Any = {} if self._root is None else loader.construct_document(self._root)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise Unreadable(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}") from error
        except yaml.YAMLError as error:
            raise Unreadable(1, "is not YAML: it holds characters that no text has") from error
        except RecursionError as error:
            raise Unreadable(
                1, "is not YAML that can be read: it goes too deep, or round in circles"
            ) from error
        if self.value is None:
            self.value = {}

    def mistake(self, loc: Loc, said: str) -> Mistake:
        return Mistake(self._line(loc), where(loc), said)

    def expand(self, environ: Mapping[str, str]) -> Any:
        """The value with `${NAME}` filled in everywhere; what is not set is one more mistake."""
        return self._expanded(self.value, environ, ())

    def _line(self, loc: Loc) -> int:
        node, line = self._root, 0
        for part in loc:
            found = _child(node, part)
            if found is None:
                break
            node, line = found
        return line + 1

    def _expanded(self, value: Any, environ: Mapping[str, str], loc: Loc) -> Any:
        if isinstance(value, dict):
            return {key: self._expanded(v, environ, (*loc, key)) for key, v in value.items()}
        if isinstance(value, list):
            return [self._expanded(v, environ, (*loc, index)) for index, v in enumerate(value)]
        if not isinstance(value, str):
            return value
        for name in _VARIABLE.findall(value):
            if not environ.get(name):
                self.mistakes.append(self.mistake(loc, f"uses ${{{name}}}, which is not set"))
        return _VARIABLE.sub(lambda match: environ.get(match[1]) or match[0], value)


def where(loc: Loc) -> str:
    """`aliases.fast[0].model`"""
    words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if part != "[key]")
    return words.lstrip(".")


class _Loader(yaml.SafeLoader):
    """Dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, int] | None:
    """What stands there, and the line on which it begins."""
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):  # of those that stand twice the last one counts
            if key.value == str(part):
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line
    return None


def _twice(node: yaml.Node | None, loc: Loc, above: tuple[int, ...]) -> Iterator[Mistake]:
    if id(node) in above:
        raise RecursionError
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _twice(item, (*loc, index), above)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                yield Mistake(line, where((*loc, name)), f"stands twice, first in line {lines[name]}")
            lines[name] = line
            yield from _twice(value, (*loc, name), above)
