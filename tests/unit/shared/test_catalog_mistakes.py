"""The providers file's mistakes: all of them, each with its line, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.catalog import load_catalog
from shared.errors import ConfigurationError
from shared.settings import Settings
from tests.support.providers_file import load

SEVERAL = """providers:
  main:
    base_url: http://main/v1
    api_key: ${NOT_THERE}
    modles: [a]
    deadlines:
      total: -1
  "x y":
    dialect: telepathy
default_provider: mian
"""


def mistakes(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text, **environ)
    return str(refused.value)


def account(rest: str) -> str:
    """A file whose account `a` has these lines from line 4 on."""
    lines = "".join(f"    {line}\n" for line in rest.splitlines())
    return f"providers:\n  a:\n    base_url: http://x/v1\n{lines}"


def test_load_when_there_are_several_mistakes_then_each_on_its_line(tmp_path: Path) -> None:
    lines = mistakes(tmp_path, SEVERAL).splitlines()

    assert [line.split(": ")[:2] for line in lines[1:]] == [
        ["  line 4", "providers.main.api_key"],
        ["  line 5", "providers.main.modles"],
        ["  line 7", "providers.main.deadlines.total"],
        ["  line 8", "providers.x y"],
        ["  line 8", "providers.x y.base_url"],
        ["  line 9", "providers.x y.dialect"],
        ["  line 10", "default_provider"],
    ]


@pytest.mark.parametrize(
    ("rest", "line", "said"),
    [
        ("modles: [m]", 4, "did you mean 'models'?"),
        ("total: 30", 4, "it belongs under `deadlines`"),
        ("deadlines:\n  totl: 3", 5, "did you mean 'total'?"),
        ("name: other", 4, "the key it stands under"),
        ("base_url: http://y/v1", 4, "stands twice, first in line 3"),
        ("api_version: 2024", 4, "must be text: put what looks like a number"),
        ("models: [a, 4]", 4, "put what looks like a number in quotes"),
        ("models: [{a: b}]", 4, "write a mapping without `-`"),
        ("models: gpt-4.1", 4, "must be a list of names, or a mapping"),
        ("models: {a: ''}", 4, "must be names"),
        ("dialect: chat_completions\nresumable: true", 5, "only the dialect 'responses'"),
        ("dialect: messages\nstate: upstream", 5, "only the dialect 'responses'"),
        ("dialect: messages\ncompaction: upstream", 5, "only the dialect 'responses'"),
        ("dialect: chat_completions\nlacks: [image]", 5, "did you mean 'images'?"),
        ("lacks: [images]", 4, "is no feature of the dialect 'responses'"),
        ("concurrency: -1", 4, "concurrency"),
        ("headers: {'a b': c}", 4, "no HTTP header"),
        ("headers: {X-A: b, x-a: c}", 4, "'x-a' twice"),
        ('headers: {X-A: "b\\r\\nX-B: c"}', 4, "one line"),
        ("headers: {Content-Length: '3'}", 4, "must not have 'content-length'"),
        ("headers: {Idempotency-Key: same}", 4, "must not have 'idempotency-key'"),
        ("api_key: k\nheaders: {authorization: Basic x}", 5, "the account's key is sent in it"),
        ("api_key: k\nauth: api-key\nheaders: {Api-Key: x}", 6, "the account's key is sent in it"),
        ("dialect: messages\napi_key: k\nheaders: {X-Api-Key: x}", 6, "the account's key is sent in it"),
        ('organization: "a\\nb"', 4, "one line"),
    ],
)
def test_load_when_a_key_is_wrong_then_its_line_and_what_to_write(
    tmp_path: Path, rest: str, line: int, said: str
) -> None:
    message = mistakes(tmp_path, account(rest))

    assert f", line {line}: providers.a" in message
    assert said in message


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://x", "must begin with http"),
        ("http://", "is not a URL"),
        ("http://x:port", "is not a URL"),
        ("http://user:word@x/v1", "belong in `api_key`"),
        ("http://x/v1?api-version=1", "belongs in `query`"),
    ],
)
def test_load_when_an_address_cannot_be_used_then_said(tmp_path: Path, url: str, said: str) -> None:
    assert said in mistakes(tmp_path, f"providers:\n  a:\n    base_url: {url}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("providers:\n  a: [", 2),
        ("providers:\n\ta: 1", 2),
        ("a: &x [*x]", 1),
        ("a: !python/object:os.system x", 1),
        ("a: *nobody", 1),
        ("a: \x01", 1),
    ],
)
def test_load_when_it_is_not_yaml_then_the_line(tmp_path: Path, text: str, line: int) -> None:
    assert f"line {line}: is not YAML" in mistakes(tmp_path, text)


def test_load_when_it_is_not_text_then_said(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_catalog(Settings(config=str(tmp_path / "providers.yaml")), {})


def test_load_when_a_variable_is_empty_then_as_if_it_were_not_set(tmp_path: Path) -> None:
    assert "uses ${KEY}, which is not set" in mistakes(tmp_path, account("api_key: ${KEY}"), KEY="")


def test_load_when_an_address_wants_a_variable_that_is_not_set_then_said_once(tmp_path: Path) -> None:
    message = mistakes(tmp_path, "providers: {a: {base_url: '${URL}'}}")

    assert message.endswith("line 1: providers.a.base_url: uses ${URL}, which is not set")


@pytest.mark.parametrize(
    "rest",
    [
        "api_key: [s3cr3t]",
        'api_key: "s3cr3t\\n"',
        "headers: {X-Key: [s3cr3t]}",
        "api_key: 's3cr3t",
        "base_url: http://s3cr3t@x/v1",
    ],
)
def test_load_when_a_mistake_is_in_a_secret_then_it_is_not_said(tmp_path: Path, rest: str) -> None:
    assert "s3cr3t" not in mistakes(tmp_path, account(rest))


def test_load_when_a_date_stands_without_quotes_then_text(tmp_path: Path) -> None:
    catalog = load(tmp_path, account("api_version: 2024-10-21"))

    assert catalog.providers["a"].api_version == "2024-10-21"


def test_load_when_an_account_is_merged_from_another_then_its_own_keys_win(tmp_path: Path) -> None:
    text = "providers:\n  a: &a {base_url: http://a/v1, label: one}\n  b: {<<: *a, base_url: http://b/v1}\n"

    b = load(tmp_path, text).providers["b"]

    assert (b.base_url, b.label) == ("http://b/v1", "one")


def test_load_when_models_are_a_mapping_then_ours_are_shown_and_theirs_are_sent(tmp_path: Path) -> None:
    catalog = load(tmp_path, account("models: {gpt-4.1: deployment}"))

    assert [name for name, _ in catalog.names()] == ["a/gpt-4.1", "gpt-4.1"]
    assert catalog.route("gpt-4.1").model == "deployment"


def test_load_when_models_are_a_mapping_then_theirs_are_no_names_of_ours(tmp_path: Path) -> None:
    assert not load(tmp_path, account("models: {gpt-4.1: deployment}")).providers["a"].serves("deployment")


@pytest.mark.parametrize(
    ("rest", "manages"),
    [
        ("label: x", False),
        ("compaction: gateway", True),
        ("compaction: upstream", False),
        ("dialect: chat_completions", True),
        ("dialect: messages", True),
    ],
)
def test_load_when_compaction_is_not_said_then_whoever_can(tmp_path: Path, rest: str, manages: bool) -> None:
    assert load(tmp_path, account(rest)).providers["a"].manages_context is manages


def test_load_when_a_variable_of_the_environment_is_wrong_then_it_is_named() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL must begin with http"):
        load_catalog(Settings(openai_api_key="k", openai_base_url="x"), {})
