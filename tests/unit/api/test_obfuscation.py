"""Padding of delta events: what it changes in a frame, and that nothing but its place decides it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from api.obfuscation import BLOCK, obfuscated
from shared.wire import events

TEXTS = st.text(st.characters(codec="utf-8"), max_size=80)


def delta(number: int, text: str, kind: str = "response.output_text.delta") -> bytes:
    return events.encode({"type": kind, "sequence_number": number, "item_id": "msg_1", "delta": text})


@given(st.integers(0, 10**6), TEXTS)
def test_padded_when_the_padding_is_taken_away_then_the_same_event(number: int, text: str) -> None:
    frame = delta(number, text)

    event = events.decode(obfuscated("resp_1", frame))

    assert event.pop("obfuscation")
    assert event == events.decode(frame)


@given(st.integers(0, 10**6), TEXTS)
def test_padded_when_the_text_is_of_any_length_then_the_frame_is_in_blocks(number: int, text: str) -> None:
    empty = len(delta(0, "")) - len('0""')

    padded = obfuscated("resp_1", delta(number, text))

    assert (len(padded) - len(',"obfuscation":""') - empty) % BLOCK == 0


@given(st.lists(TEXTS, min_size=1, max_size=8), st.integers(1, 7))
def test_padded_when_cut_into_other_batches_then_the_same_bytes(texts: list[str], cut: int) -> None:
    frames = [delta(n, text) for n, text in enumerate(texts)]

    whole = obfuscated("resp_1", b"".join(frames))

    assert (
        obfuscated("resp_1", b"".join(frames[:cut])) + obfuscated("resp_1", b"".join(frames[cut:])) == whole
    )


def test_padded_when_another_response_or_number_then_other_letters() -> None:
    frames = [obfuscated("resp_1", delta(1, "x")), obfuscated("resp_2", delta(1, "x"))]
    frames.append(obfuscated("resp_1", delta(2, "x")))

    assert len({events.decode(frame)["obfuscation"] for frame in frames}) == 3


def test_padded_when_no_delta_then_untouched() -> None:
    done = events.encode({"type": "response.output_text.done", "sequence_number": 3, "text": "x.delta"})
    ended = events.terminal("completed", 4, b'{"id":"resp_1"}')

    assert obfuscated("resp_1", done + ended) == done + ended


def test_padded_when_the_kind_is_any_delta_then_padded() -> None:
    frame = obfuscated("resp_1", delta(1, "{", "response.function_call_arguments.delta"))

    assert json.loads(frame.split(b"data: ")[1])["obfuscation"]
