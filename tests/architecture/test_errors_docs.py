"""docs/errors.md has a row for each code and each reason that the code can answer, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from shared.wire.response import ERROR_CODES
from tests.architecture.tree import python_files, read

_PACKAGES = ("api", "workers", "shared")
_ROW = re.compile(r"^\|\s*`([a-z][a-z0-9_]*)`\s*\|", re.MULTILINE)
_WORD = re.compile(r"[a-z][a-z0-9_]*\Z")
_GAP = "[a-z_]+"  # what stands for a part that is only known when the program runs
_TAKES_REASON = {"UpstreamError", "_refusal", "fail"}  # calls whose first argument is a reason
_KEYWORDS = {"reason", "error_reason"}
_OUR_STATUSES = {"502", "503"}  # of an upstream's refusal: its reason becomes the code
_NO_HTTP = {"UpstreamError"}  # its code is that of a Response, not of an HTTP answer


def test_codes_documented_are_the_codes_there_are() -> None:
    documented = _rows("Codes of an HTTP error")

    assert _missing(_codes(), documented) == set(), "answered, but not in docs/errors.md"
    assert _unknown(_codes(), documented) == set(), "in docs/errors.md, but answered nowhere"


def test_reasons_documented_are_the_reasons_there_are() -> None:
    documented = _rows("Reasons of a failed response")

    assert _missing(_reasons(), documented) == set(), "given, but not in docs/errors.md"
    assert _unknown(_reasons(), documented) == set(), "in docs/errors.md, but given nowhere"


def test_codes_of_a_response_are_all_named() -> None:
    text = read("docs/errors.md")

    assert {code for code in ERROR_CODES if f"`{code}`" not in text} == set()


def _rows(heading: str) -> set[str]:
    section = read("docs/errors.md").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert section, f"docs/errors.md has no section {heading!r}"
    return set(_ROW.findall(section))


def _missing(patterns: set[str], words: set[str]) -> set[str]:
    return {pattern for pattern in patterns if not any(re.fullmatch(pattern, word) for word in words)}


def _unknown(patterns: set[str], words: set[str]) -> set[str]:
    return {word for word in words if not any(re.fullmatch(pattern, word) for pattern in patterns)}


def _codes() -> set[str]:
    """`code=…` in a call, `code = …` in a class, and the reasons that become the code of a 5xx."""
    found: set[str] = set()
    for node in _nodes():
        if isinstance(node, ast.ClassDef):
            found.update(text for statement in node.body for text in _assigned(statement, "code"))
        elif isinstance(node, ast.Call) and _called(node) not in _NO_HTTP:
            found.update(text for k in node.keywords if k.arg == "code" for text in _texts(k.value))
            if _called(node) == "_refusal" and ast.unparse(node.args[1]) in _OUR_STATUSES:
                found.update(_texts(node.args[0]))
    return found


def _reasons() -> set[str]:
    """What opens the message of a failed response."""
    found: set[str] = set()
    for node in _nodes():
        if isinstance(node, ast.Assign):
            found.update(
                text for name in _names(node) if name.endswith("_MESSAGE") for text in _opening(node.value)
            )
        elif isinstance(node, ast.Call):
            if _called(node) in _TAKES_REASON and node.args:
                found.update(_texts(node.args[0]))
            elif _called(node) == "error_object" and len(node.args) > 1:
                found.update(_opening(node.args[1]))
            found.update(text for k in node.keywords if k.arg in _KEYWORDS for text in _texts(k.value))
    return found


def _assigned(statement: ast.stmt, name: str) -> list[str]:
    matches = isinstance(statement, ast.Assign) and name in _names(statement)
    return _texts(statement.value) if isinstance(statement, ast.Assign) and matches else []


def _names(statement: ast.Assign) -> list[str]:
    return [ast.unparse(target) for target in statement.targets]


def _opening(node: ast.expr) -> list[str]:
    """The word before the colon of a message; none where that is only known when the program runs."""
    text = _pattern(node).partition(": ")
    return [text[0]] if text[1] and text[0] != _GAP and re.match(r"[a-z_\[\]+-]+\Z", text[0]) else []


def _texts(node: ast.expr) -> list[str]:
    """The words an expression can be, as patterns; none where it is a variable."""
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in _texts(value)]
    text = _pattern(node)
    return [text] if isinstance(node, ast.JoinedStr) or _WORD.match(text) else []


def _pattern(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _GAP if isinstance(part, ast.FormattedValue) else _pattern(part) for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _nodes() -> Iterator[ast.AST]:
    for path in python_files(*_PACKAGES):
        yield from ast.walk(ast.parse(read(path)))
