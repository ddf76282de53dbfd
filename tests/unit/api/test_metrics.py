"""GET /metrics: who gets it, and that half of it is better than nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api import errors, metrics
from shared.catalog import load_catalog
from shared.queue import Queue, make_celery
from shared.services import Services, connect_redis
from shared.settings import Settings
from shared.store import Store, open_store
from tests.support.backends import Backends
from tests.support.rows import accepted
from tests.support.servers import free_port

KEY = "metrics-key-0123456789"
Open = Callable[..., FlaskClient]


@pytest.fixture
def open_client(backends: Backends) -> Open:
    def make(*, key: str = "", client: redis.Redis | None = None, store: Store | None = None) -> FlaskClient:
        settings = Settings(openai_api_key="k", broker_url="memory://", metrics_key=key)
        queue = Queue(make_celery(settings, publisher=True))
        services = Services(
            settings,
            load_catalog(settings, {}),
            store or backends.store,
            backends.log,
            queue,
            client or backends.redis,
        )
        app = Flask("test")
        metrics.MetricsResource(services).routes(app)
        errors.install(app)
        return app.test_client()

    return make


def _ask(client: FlaskClient, peer: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.get("/metrics", headers=named, environ_base={"REMOTE_ADDR": peer})
    return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_metrics_without_a_key_when_asked_on_this_machine_then_given(open_client: Open, peer: str) -> None:
    assert _ask(open_client(), peer)[0] == 200


@pytest.mark.parametrize("peer", ["10.0.0.7", "2001:db8::1", "::ffff:10.0.0.7", ""])
def test_metrics_without_a_key_when_asked_from_elsewhere_then_no_such_route(
    open_client: Open, peer: str
) -> None:
    status, body = _ask(open_client(), peer)

    assert (status, "unknown_url" in body) == (404, True)


@pytest.mark.parametrize("header", ["X_Forwarded_For", "X_Real_IP", "Forwarded", "Via"])
def test_metrics_without_a_key_when_a_proxy_asks_then_no_such_route(open_client: Open, header: str) -> None:
    assert _ask(open_client(), **{header: "127.0.0.1"})[0] == 404


def test_metrics_with_a_key_when_it_is_sent_then_given_from_anywhere(open_client: Open) -> None:
    client = open_client(key=KEY)

    assert _ask(client, "10.0.0.7", Authorization=f"Bearer {KEY}", X_Forwarded_For="1.2.3.4")[0] == 200


@pytest.mark.parametrize("sent", ["", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer ", "Bearer ☃", KEY])
def test_metrics_with_a_key_when_another_is_sent_then_401_on_this_machine_too(
    open_client: Open, sent: str
) -> None:
    status, body = _ask(open_client(key=KEY), Authorization=sent.encode().decode("latin-1"))

    assert (status, KEY in body) == (401, False)


def test_metrics_when_redis_is_away_then_what_sql_knows(open_client: Open, backends: Backends) -> None:
    accepted(backends.store, tenant_id="acme")

    _, body = _ask(open_client(client=connect_redis(f"redis://127.0.0.1:{free_port()}/0")))

    assert 'respool_queue_depth{tenant="acme"} 1\n' in body
    assert 'respool_reachable{dependency="redis"} 0\n' in body
    assert "respool_fenced_writes_total" not in body


def test_metrics_when_sql_is_away_then_what_redis_knows(open_client: Open, tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/no-such-folder/store.db")) as store:
        _, body = _ask(open_client(store=store))

    assert 'respool_reachable{dependency="database"} 0\n' in body
    assert "respool_fenced_writes_total 0\n" in body
