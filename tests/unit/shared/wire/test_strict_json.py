"""strict_json: what is refused, with which code, and that everything else reads like any JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRequest
from shared.wire import strict_json

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=30,
)


def code_of(body: bytes) -> str | None:
    with pytest.raises(InvalidRequest) as refused:
        strict_json.loads(body)
    return refused.value.code


@given(DOCUMENTS, st.booleans())
def test_loads_of_a_clean_document_agrees_with_the_standard_library(document: Any, ascii_only: bool) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only)

    assert strict_json.loads(body.encode()) == json.loads(body)


@given(DOCUMENTS)
def test_dumps_of_a_clean_document_is_read_back_unchanged(document: Any) -> None:
    assert strict_json.loads(strict_json.dumps(document)) == document


@given(st.binary(max_size=200))
def test_loads_of_any_bytes_answers_or_refuses_with_a_code(body: bytes) -> None:
    try:
        strict_json.loads(body)
    except InvalidRequest as refused:
        assert refused.code is not None


@given(DOCUMENTS, TEXT, st.booleans())
def test_loads_when_a_key_is_given_twice_anywhere_refuses(inner: Any, key: str, ascii_only: bool) -> None:
    name, value = json.dumps(key, ensure_ascii=ascii_only), json.dumps(inner, ensure_ascii=ascii_only)
    body = f'[{value}, {{"outer": {{{name}: {value}, "other key": 1, {name}: {value}}}}}]'

    assert code_of(body.encode()) == "duplicate_key"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b'{"a":',
        b'{"a":1',
        b"nul",
        b"NaN",
        b"-Infinity",
        b'{"a": Infinity}',
        b"[1,]",
        b"01",
        b"{'a': 1}",
        b'{"a":1}}',
        b'"\n"',
        b"[" * 64,
        b"]" * 70 + b"[" * 66,
        b'["' + b"[" * 100,
    ],
)
def test_loads_when_not_json_is_invalid_json(body: bytes) -> None:
    assert code_of(body) == "invalid_json"


@pytest.mark.parametrize(
    "body",
    [
        b"1e999",
        b"[-1e999]",
        b"9" * 5001,
        b"[" + b"9" * 5001 + b"]",
        b"9" * 400 + b".5",
        b"18446744073709551616",
        b'{"a": {"b": -9223372036854775809}}',
        b"1" * 25,
        b'{"a":"b","c":' + b"7" * 20 + b"}",
    ],
)
def test_loads_when_a_number_cannot_be_kept_is_invalid_number(body: bytes) -> None:
    assert code_of(body) == "invalid_number"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b'"99999999999999999999999"', "9" * 23),
        (b'["\\"99999999999999999999999"]', ['"' + "9" * 23]),
        (b"0.12345678901234567890123", 0.12345678901234568),
        (b"12345678901234567890123.0", 1.2345678901234568e22),
        (b"1.5e-30", 1.5e-30),
    ],
)
def test_loads_of_digits_that_can_be_kept_accepts(body: bytes, value: object) -> None:
    assert strict_json.loads(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"tools":[{"parameters":{"properties":{"x":{"type":"a","type":"a"}}}}]}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":1,"a":2,"b":"\\u003a"}',
        b'{"a":1,"a":2,"b":"\\u003A"}',
        b'{"":1,"":1}',
    ],
)
def test_loads_when_a_key_is_repeated_is_duplicate_key(body: bytes) -> None:
    assert code_of(body) == "duplicate_key"


def test_loads_of_the_same_key_in_two_objects_accepts() -> None:
    assert strict_json.loads(b'[{"a":1},{"a":2,"b":"x: \\u003a y"}]') == [{"a": 1}, {"a": 2, "b": "x: : y"}]


def test_loads_at_the_greatest_depth_accepts() -> None:
    assert strict_json.loads(b"[" * 64 + b"]" * 64) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" * 1100 + b"]" * 1100,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 100_000,
        b"[[],[]," + b"[" * 70 + b"]" * 70 + b"]",
    ],
)
def test_loads_when_nested_too_deep_is_json_too_deep(body: bytes) -> None:
    assert code_of(body) == "json_too_deep"


def test_loads_of_brackets_within_strings_does_not_count_them() -> None:
    body = b'["' + b"[{" * 2_000 + b'\\"' + b"[,," * 400_000 + b'"]'

    assert isinstance(strict_json.loads(body), list)


def test_loads_of_many_shallow_values_accepts() -> None:
    body = b"[" + b",".join([b"[{}]"] * 1000) + b"]"

    assert len(strict_json.loads(body)) == 1000


@pytest.mark.parametrize("body", [b"[" + b",".join([b"{}"] * 1_000_000) + b"]", b"{}" * 1_500_000])
def test_loads_of_three_megabytes_of_empty_objects_is_json_too_many_nodes(body: bytes) -> None:
    assert code_of(body) == "json_too_many_nodes"


def test_loads_of_more_input_items_than_allowed_parses() -> None:
    item = b'{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}'

    assert len(strict_json.loads(b"[" + b",".join([item] * 100_001) + b"]")) == 100_001


@pytest.mark.parametrize(
    "body",
    [b'"\xff"', b'{"a":"\xc3"}', b'"\xed\xa0\x80"', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00"]
    + [text.encode(form) for form in ("utf-16", "utf-16-le", "utf-16-be", "utf-32") for text in ('{"a":1}',)],
)
def test_loads_when_not_plain_utf8_is_invalid_encoding(body: bytes) -> None:
    assert code_of(body) == "invalid_encoding"


@pytest.mark.parametrize(
    "body",
    [
        b'"\\ud800"',
        b'{"a":["\\udc00x"]}',
        b'{"\\ud800":1}',
        b'"\\ud800\\u0041"',
        b'"a\\u0000b"',
        b'{"\\u0000":1}',
        b'"\\\\\\u0000"',
    ],
)
def test_loads_when_a_string_is_not_text_is_invalid_unicode(body: bytes) -> None:
    assert code_of(body) == "invalid_unicode"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\\\\\\\u0000"', "\\\\u0000"),
    ],
)
def test_loads_of_escapes_that_are_text_accepts(body: bytes, value: str) -> None:
    assert strict_json.loads(body) == value


def test_refusal_when_the_key_is_long_repeats_it_shortened() -> None:
    key = b'"' + b"k" * 5000 + b'"'

    with pytest.raises(InvalidRequest) as refused:
        strict_json.loads(b"{" + key + b":1," + key + b":2}")

    assert len(refused.value.message) < 300
