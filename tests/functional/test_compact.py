"""POST /responses/compact and compaction items as input."""

from __future__ import annotations

import pytest
from openai import BadRequestError

from tests.support.stack import Stack


def test_compact_when_the_upstream_has_no_endpoint_then_a_sealed_summary(stack: Stack) -> None:
    compacted = stack.client().responses.compact(
        model="plain", input=[{"role": "user", "content": "my cat is called Ada"}]
    )

    assert compacted.object == "response.compaction"
    assert [item.type for item in compacted.output] == ["message", "compaction"]
    assert compacted.output[-1].encrypted_content.startswith("rsp1.")
    assert compacted.usage.output_tokens > 0


def test_compaction_item_when_fed_back_then_the_upstream_gets_the_summary(stack: Stack) -> None:
    client = stack.client()
    compacted = client.responses.compact(model="plain", input="remember the word heliotrope")

    following = client.responses.create(
        model="plain",
        input=[compacted.output[-1].model_dump(), {"role": "user", "content": "echo request"}],
    )

    assert "Summary of the conversation so far" in following.output_text
    assert "rsp1." not in following.output_text


def test_compaction_item_when_of_another_tenant_then_not_opened(stack: Stack) -> None:
    compacted = stack.client().responses.compact(model="plain", input="a secret of the first tenant")

    following = stack.client(stack.new_key("other")).responses.create(
        model="plain",
        input=[compacted.output[-1].model_dump(), {"role": "user", "content": "echo request"}],
    )

    assert "Summary of the conversation so far" not in following.output_text


def test_compact_when_without_model_then_400(stack: Stack) -> None:
    answer = stack.request("POST", "/responses/compact", json={"input": "hello"})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")


def test_compact_when_the_upstream_fails_then_an_error_and_no_object(stack: Stack) -> None:
    answer = stack.request("POST", "/responses/compact", json={"input": "hi", "model": "plain!fault=cut:2"})

    assert answer.status_code == 502
    assert answer.headers["x-should-retry"] == "false"


def test_compact_when_done_then_not_retrievable(stack: Stack) -> None:
    compacted = stack.client().responses.compact(model="plain", input="hello")

    assert stack.request("GET", f"/responses/{compacted.id}").status_code == 404


def test_compact_when_the_previous_response_is_unknown_then_400(stack: Stack) -> None:
    with pytest.raises(BadRequestError) as caught:
        stack.client().responses.compact(model="plain", previous_response_id="resp_" + "0" * 48)

    assert caught.value.code == "previous_response_not_found"


LONG = "a long story about rivers and harbours " * 200
MANAGED = {"context_management": [{"type": "compaction", "compact_threshold": 1000}]}


def test_long_chain_when_the_gateway_manages_its_context_then_summarised_first(stack: Stack) -> None:
    client = stack.client()
    first = client.responses.create(model="managing/plain", input=LONG)

    second = client.responses.create(
        model="managing/plain", input="echo request", previous_response_id=first.id, extra_body=MANAGED
    )

    assert [item.type for item in second.output] == ["compaction", "message"]
    sent = second.output_text
    assert "Summary of the conversation so far" in sent
    assert "context_management" not in sent
    assert LONG[:400] not in sent
    assert second.usage.input_tokens > first.usage.input_tokens


def test_long_chain_when_it_goes_on_after_a_summary_then_from_the_summary(stack: Stack) -> None:
    client = stack.client()
    first = client.responses.create(model="managing/plain", input=LONG)
    second = client.responses.create(
        model="managing/plain", input="my dog is Rex", previous_response_id=first.id, extra_body=MANAGED
    )

    third = client.responses.create(
        model="managing/plain", input="echo request", previous_response_id=second.id
    )

    assert "Summary of the conversation so far" in third.output_text
    assert "my dog is Rex" in third.output_text
    assert LONG[:400] not in third.output_text


def test_long_chain_when_summarised_then_the_summary_was_asked_for_under_a_key_of_its_own(
    stack: Stack,
) -> None:
    client = stack.client()
    first = client.responses.create(model="managing/plain", input=LONG)

    second = client.responses.create(
        model="managing/plain", input="go on", previous_response_id=first.id, extra_body=MANAGED
    )

    assert [len(stack.calls(key)) for key in (second.id, f"{second.id}.summary")] == [1, 1]


def test_short_chain_when_the_gateway_manages_its_context_then_left_as_it_is(stack: Stack) -> None:
    response = stack.client().responses.create(model="managing/plain", input="hi", extra_body=MANAGED)

    assert [item.type for item in response.output] == ["message"]
    assert len(stack.calls(response.id)) == 1


def test_managed_chain_when_streamed_then_the_summary_is_an_item_of_the_stream(stack: Stack) -> None:
    client = stack.client()
    first = client.responses.create(model="managing/plain", input=LONG)

    with client.responses.create(
        model="managing/plain", input="go on", previous_response_id=first.id, stream=True, extra_body=MANAGED
    ) as stream:
        events = list(stream)

    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert [e.item.type for e in events if e.type == "response.output_item.added"] == [
        "compaction",
        "message",
    ]
