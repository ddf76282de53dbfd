"""Which addresses of images and files are passed on (RELIABILITY B48 to B52)."""

from __future__ import annotations

import pytest

from shared.errors import InvalidRequest
from shared.wire.input_items import check_input
from shared.wire.media import check_part_urls

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def code_of(key: str, url: object) -> str | None:
    """The code of the refusal; None where the address is passed on."""
    try:
        check_part_urls({"type": "input_image", key: url}, "input[0].content[0]")
    except InvalidRequest as refused:
        assert refused.param == f"input[0].content[0].{key}"
        return refused.code
    return None


@pytest.mark.parametrize("key", ["image_url", "file_url"])
@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/cat.png",
        "http://example.com:8080/a?b=c#d",
        "HTTPS://EXAMPLE.COM/",
        "https://bücher.example/é",
        "https://example.com/@user/x",
        # whoever fetches judges the host: the gateway does not fetch
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest",
    ],
)
def test_url_when_it_is_of_the_web_then_it_is_passed_on(key: str, url: str) -> None:
    assert code_of(key, url) is None


@pytest.mark.parametrize("key", ["image_url", "file_url"])
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "javascript:alert(1)",
        "ftp://example.com/x",
        "//example.com/x",
        "example.com/x",
        "",
        "http:",
        "http://",
        "http:///x",
        "http://user:pass@example.com/",
        "http://user@example.com/",
        "http://@example.com/",
        "http://good\\@evil/",
        "http://exa\tmple.com/",
        "http://example.com/\r\nX-Forged: 1",
        " http://example.com/",
        "http://exam ple.com/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://[::1/",
    ],
)
def test_url_when_readers_could_differ_then_it_is_refused(key: str, url: str) -> None:
    assert code_of(key, url) == "invalid_url"


@pytest.mark.parametrize(
    "url", [PIXEL, PIXEL.rstrip("="), "data:image/svg+xml;charset=utf-8;base64,PHN2Zz4="]
)
def test_image_when_it_is_base64_then_it_is_passed_on(url: str) -> None:
    assert code_of("image_url", url) is None


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,",
        "data:image/png;base64,*",
        "data:image/png;base64,iVBOR",
        "data:image/png;base64,iVBORw=",
        "data:image/png;base64,iVBO====",
        "data:image/png;base64,iVBO iVBO",
        "data:image/png,raw",
        "data:text/html;base64,PHN2Zz4=",
        "data:,x",
        "data:",
    ],
)
def test_image_when_it_is_not_base64_then_it_is_refused(url: str) -> None:
    assert code_of("image_url", url) == "invalid_image"


def test_file_when_it_is_data_then_it_is_refused() -> None:
    assert code_of("file_url", "data:application/pdf;base64,JVBERi0=") == "invalid_url"


def test_url_when_it_is_no_string_then_the_upstream_judges_it() -> None:
    assert code_of("image_url", {"url": "file:///x"}) is None


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": [{"type": "input_image", "image_url": "file:///x"}]},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [{"type": "input_file", "file_url": "x:y"}],
        },
    ],
)
def test_input_when_an_item_has_a_bad_url_then_it_is_refused(item: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match=r"input\[0\]"):
        check_input([item])
