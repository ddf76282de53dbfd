"""Whatever is sent, the answer is ours: an envelope, a request id, no fault, nothing of our insides.

`make fuzz MINUTES=10` goes on for longer; the ten slowest requests are shown at the end of the run.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import strategies as st

from tests.fuzz.ammunition import bodies, creates, creating, shots
from tests.fuzz.rounds import fuzz
from tests.fuzz.shots import Report, Shot, fire, send
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(0),  # `make fuzz` decides how long
]


def test_create_when_its_body_is_anything_then_the_answer_is_ours(
    stack: Stack, key: str, report: Report
) -> None:
    def check(body: bytes) -> None:
        status, _, _ = fire(stack, creating(key, body), report)

        assert status in (200, 400, 404, 413, 422, 429, 502)

    fuzz(check, examples=150, share=0.2, body=bodies)


def test_create_when_its_fields_are_anything_then_the_answer_is_ours(
    stack: Stack, key: str, report: Report
) -> None:
    def check(body: object) -> None:
        status, _, _ = fire(stack, creating(key, json.dumps(body).encode()), report)

        assert status in (200, 400, 404, 413, 422, 429, 502)

    fuzz(check, examples=300, share=0.3, body=creates())


def test_request_when_anything_about_it_is_odd_then_the_answer_is_ours(
    stack: Stack, key: str, report: Report
) -> None:
    def check(shot: Shot) -> None:
        status, _, _ = fire(stack, shot, report)

        assert status

    fuzz(check, examples=400, share=0.3, shot=shots(key))


def test_bytes_when_they_are_hardly_http_then_the_answer_is_ours(
    stack: Stack, key: str, report: Report
) -> None:
    good = creating(key, b'{"model":"plain","input":"hello"}').raw("localhost")

    def check(cuts: list[tuple[int, bytes]]) -> None:
        data = good
        for place, inserted in cuts:
            at = place % len(data)
            data = data[:at] + inserted + data[at + len(inserted) // 2 :]
        send(stack, data, f"{len(data)} raw bytes", report)

    places = st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=6))
    fuzz(check, examples=300, share=0.2, cuts=st.lists(places, min_size=1, max_size=6))
