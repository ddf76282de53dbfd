"""Which failures may be somebody else's to answer."""

from __future__ import annotations

import pytest

from shared.errors import UpstreamError
from workers.fallback import moves_on
from workers.providers.refusals import NO_SUCH_MODEL, refused


@pytest.mark.parametrize("status", [401, 402, 403, 429, 500, 502, 503, 520, 529])
def test_refusal_when_it_is_the_accounts_then_another_may_be_asked(status: int) -> None:
    assert moves_on(refused(status, {}, b""))


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
def test_refusal_when_it_may_be_the_clients_then_nobody_else_is_asked(status: int) -> None:
    assert not moves_on(refused(status, {}, b""))


@pytest.mark.parametrize("status", [504, 522, 524])
def test_refusal_when_the_model_may_be_at_work_then_nobody_else_is_asked(status: int) -> None:
    assert not moves_on(refused(status, {}, b""))


@pytest.mark.parametrize("code", ["model_not_found", "DeploymentNotFound"])
def test_refusal_when_the_account_has_no_such_model_then_another_may_be_asked(code: str) -> None:
    assert moves_on(refused(404, {}, b'{"error": {"code": "%s"}}' % code.encode()))


def test_failure_when_it_was_never_sent_then_another_may_be_asked() -> None:
    assert moves_on(UpstreamError("upstream_unreachable", "no", unbilled=True))
    assert moves_on(UpstreamError("provider_gone", "no"))


@pytest.mark.parametrize("reason", ["upstream_disconnected", "upstream_timeout", "upstream_incomplete"])
def test_failure_when_it_is_not_known_what_happened_then_nobody_else_is_asked(reason: str) -> None:
    assert not moves_on(UpstreamError(reason, "no"))


def test_refusal_when_a_dialect_has_nothing_else_to_miss_then_it_is_the_model() -> None:
    gone = b'{"type": "error", "error": {"type": "not_found_error", "message": "model: m"}}'

    assert moves_on(refused(404, {}, gone, missing=NO_SUCH_MODEL))
    assert not moves_on(refused(404, {}, b'{"error": {"code": "file_not_found"}}', missing=NO_SUCH_MODEL))
