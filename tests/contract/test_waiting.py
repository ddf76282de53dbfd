"""A process of gevent's waits for PostgreSQL without stopping its other greenlets."""

from __future__ import annotations

import os
import subprocess
import sys

import sqlalchemy as sa

from tests.support.backends import Backends
from tests.support.stack import ROOT

_PROGRAM = """
import sys
from gevent import monkey
monkey.patch_all()
from shared.store import waiting
waiting.install()
import gevent, psycopg
from psycopg.waiting import wait
print(wait.__module__)
line = psycopg.connect(sys.argv[1], autocommit=True)
ran = []
gevent.spawn_later(0.01, ran.append, 1)
line.execute("SELECT pg_sleep(0.2)")
print(ran)
long = "x" * 20_000_000  # more than a socket takes at once
print(line.execute("SELECT length(%s::text)", [long]).fetchone())
other = psycopg.connect(sys.argv[1], autocommit=True)
gevent.spawn_later(0.05, other.execute, "SELECT pg_terminate_backend(%s)", [line.info.backend_pid])
try:
    line.execute("SELECT pg_sleep(60)")
except psycopg.OperationalError:
    print("cut", line.broken)
"""


def test_statement_when_waited_for_then_others_run_long_texts_pass_and_a_cut_line_is_an_error(
    servers_backends: Backends,
) -> None:
    url = sa.make_url(servers_backends.database_url).set(drivername="postgresql")
    command = [sys.executable, "-c", _PROGRAM, url.render_as_string(hide_password=False)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()

    assert said == ["shared.store.waiting", "[1]", "(20000000,)", "cut True"]


_POOLED = """
import sys
from gevent import monkey
monkey.patch_all()
import gevent, sqlalchemy as sa
from shared.store.engine import Database
database = Database(sys.argv[1], pool_size=2)
slept = sa.cast(sa.func.pg_sleep(sa.bindparam("seconds")), sa.Text)
statement = sa.select(slept, sa.bindparam("n", type_=sa.Integer))
found = []
def direct(n): found.append(database.once(statement, {"seconds": 0.01, "n": n})[1])
def usual(n): found.append(database.read(lambda c: c.scalar(sa.select(sa.literal(n)))))
all = [gevent.spawn(usual if n % 3 == 0 else direct, n) for n in range(60)]
gevent.joinall(all, timeout=20, raise_error=True)
print(sorted(found) == list(range(60)))
lines = sa.text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pooled'")
print(database.read(lambda c: c.scalar(lines)))
"""


def test_pool_when_many_greenlets_want_its_few_lines_then_each_gets_one_in_turn(
    servers_backends: Backends,
) -> None:
    command = [sys.executable, "-c", _POOLED, servers_backends.database_url]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PGAPPNAME": "pooled"}

    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()

    assert said == ["True", "2"]
