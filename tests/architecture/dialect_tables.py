"""The tables of docs/providers.md on what each dialect can express, made from the dialects' own data.

`python -m tests.architecture.dialect_tables` writes them into the document; a test says when that is due.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from shared.catalog.dialects import DIALECTS, Dialect
from tests.architecture.tree import ROOT

DOCUMENT = ROOT / "docs" / "providers.md"
_BLOCK = re.compile(r"(<!-- tables: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_YES, _REFUSED = "yes", "refused"

Cell = Callable[[Dialect, str], str]


def with_tables(text: str) -> str:
    """The document as it must be."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{_TABLES[block[2]]()}\n\n{block[3]}", text)


def _fields() -> str:
    names = {name for dialect in DIALECTS.values() for name in (*dialect.refused, *dialect.dropped)}
    return _table("of a request", names, _field)


def _field(dialect: Dialect, name: str) -> str:
    if name in dialect.refused:
        return f"{_REFUSED}: {dialect.refused[name]}"
    if name in dialect.dropped:
        return f"left out: {dialect.dropped[name]}"
    kind = name.removeprefix("input: ")
    if name != kind and dialect.item_types is not None and "_" in kind and kind not in dialect.item_types:
        return _REFUSED
    return _YES


def _types() -> str:
    tables = []
    for title, attribute in (("tool", "tool_types"), ("item", "item_types"), ("content part", "part_types")):
        known = [types for dialect in DIALECTS.values() if (types := getattr(dialect, attribute)) is not None]
        left_out = {name for dialect in DIALECTS.values() for name in dialect.dropped}
        names = {name for types in known for name in types if f"input: {name}" not in left_out}
        tables.append(_table(title, names, _type_of(attribute), last="any not named here"))
    return "\n\n".join(tables)


def _type_of(attribute: str) -> Cell:
    def cell(dialect: Dialect, name: str) -> str:
        types = getattr(dialect, attribute)
        return _YES if types is None or name in types else _REFUSED

    return cell


def _features() -> str:
    names = {name for dialect in DIALECTS.values() for name in dialect.features}
    return _table(
        "in `lacks`", names, lambda dialect, name: "may be named" if name in dialect.features else "-"
    )


def _table(title: str, names: Iterable[str], cell: Cell, *, last: str | None = None) -> str:
    """Names with the same cells share a row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for name in [*sorted(names), *([last] if last else [])]:
        shown = name if name == last else f"`{name}`"
        rows.setdefault(tuple(cell(dialect, name) for dialect in DIALECTS.values()), []).append(shown)
    head = f"| {' | '.join([title, *(f'`{name}`' for name in DIALECTS)])} |"
    lines = [head, "|" + " --- |" * (len(DIALECTS) + 1)]
    return "\n".join(
        [*lines, *(f"| {' | '.join([', '.join(found), *cells])} |" for cells, found in rows.items())]
    )


_TABLES = {"fields": _fields, "types": _types, "features": _features}

if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
