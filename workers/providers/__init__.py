"""The providers: one dialect a file, one line each here.

They are made as they are asked for, from the accounts that the catalog has at that moment: a changed
account gets a new one, while a generation that runs goes on with the one it began with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shared.catalog import Catalog
from shared.catalog import Provider as Account
from workers.providers.base import Generation, Provider
from workers.providers.chat_completions import ChatCompletions
from workers.providers.http import Call, HttpClient
from workers.providers.messages import Messages
from workers.providers.responses_api import ResponsesApi

DIALECTS: dict[str, Callable[[Account, HttpClient], Provider]] = {
    "responses": ResponsesApi,
    "chat_completions": ChatCompletions,
    "messages": Messages,
}


class _Opened(Mapping[str, Provider]):
    """By account name; an account that is gone has none."""

    def __init__(self, catalog: Catalog, client: HttpClient) -> None:
        self._catalog = catalog
        self._client = client
        self._made: dict[str, tuple[Account, Provider]] = {}

    def __getitem__(self, name: str) -> Provider:
        account = self._catalog.providers[name]
        made = self._made.get(name)
        if made is None or made[0] is not account:
            # two threads may both make one: they are alike
            made = self._made[name] = (account, DIALECTS[account.dialect](account, self._client))
        return made[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalog.providers)

    def __len__(self) -> int:
        return len(self._catalog.providers)


def open_providers(catalog: Catalog, client: HttpClient) -> Mapping[str, Provider]:
    return _Opened(catalog, client)


__all__ = ["DIALECTS", "Call", "Generation", "HttpClient", "Provider", "open_providers"]
