"""Deltas are counted right wherever the network cuts the stream."""

from __future__ import annotations

import pytest

from bench.deltas import Deltas

ID = "resp_" + "a" * 48
CREATED = f'data: {{"type":"response.created","response":{{"id":"{ID}"}}}}\n\n'.encode()
DELTA = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"x"}\n\n'
ENDED = b'event: response.completed\ndata: {"type":"response.completed"}\n\n'


@pytest.mark.parametrize("size", [1, 7, 26, 64, 4096])
def test_deltas_when_cut_anywhere_then_each_counts_once(size: int) -> None:
    # Given a stream of three deltas, in pieces
    deltas, stream = Deltas(), CREATED + DELTA * 3 + ENDED

    # When
    for at in range(0, len(stream), size):
        deltas(stream[at : at + size])

    # Then
    assert deltas.count == 3


def test_deltas_when_the_data_has_blanks_then_they_count() -> None:
    deltas = Deltas()

    deltas(b'data: {"type": "response.output_text.delta", "delta": "x"}\n\n')

    assert deltas.count == 1


def test_deltas_when_the_end_came_then_the_stream_is_complete() -> None:
    deltas = Deltas()

    deltas(CREATED + DELTA + ENDED)

    assert deltas.completed


def test_deltas_when_the_end_is_missing_then_the_stream_is_not_complete() -> None:
    deltas = Deltas()

    deltas(CREATED + DELTA)

    assert not deltas.completed


def test_deltas_when_the_response_is_named_then_its_id_is_known() -> None:
    deltas = Deltas()

    deltas(CREATED)

    assert deltas.response_id == ID
