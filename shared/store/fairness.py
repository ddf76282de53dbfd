"""Which row a free slot takes: by class, then the tenant with the least in progress, then age.

Foreground comes first; so that a flood of it cannot starve the rest, a share of the claims looks for
background work that has waited first. Tenants are found by skipping through an index, so a deep
queue of one tenant costs no more than a short one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from shared.store.engine import db_now
from shared.store.tables import IN_PROGRESS, QUEUED, responses

AGED_SECONDS = 60.0  # background work that has waited longer may go before foreground work …
HELD_BACK = "held_back"  # parameter of a claim: providers that are left alone now …
HELD_ALIASES = "held_aliases"  # … and aliases with no other target; what has one is claimed, to go there
AGED_SHARE = 0.25  # … in this part of the claims

_ONE: sa.ColumnElement[int] = sa.literal_column("1")


@dataclass(frozen=True, slots=True)
class Class:
    background: bool
    aged: bool = False
    holding: bool = False  # some accounts are left alone now: rarely, and each list costs something


def classes(*, background: bool, rng: random.Random, aged: bool = True, holding: bool = False) -> list[Class]:
    """What a claim looks for, in this order. `aged`: whether background work may be there that has waited."""
    if not background:
        return [Class(False, holding=holding)]
    foreground, behind = Class(False, holding=holding), Class(True, holding=holding)
    if aged and rng.random() < AGED_SHARE:
        return [Class(True, aged=True, holding=holding), foreground, behind]
    return [foreground, behind]


def claimable(table: Any, wanted: Class) -> sa.ColumnElement[bool]:
    conditions = [
        table.c.status == QUEUED,
        table.c.background == wanted.background,
        table.c.deleted_at.is_(None),
        sa.or_(table.c.not_before.is_(None), table.c.not_before <= db_now()),
        table.c.queue_deadline_at > db_now(),
    ]
    if wanted.aged:
        conditions.append(table.c.created_at < db_now() - sa.literal_column(str(AGED_SECONDS)))
    return sa.and_(*conditions)


def _not_held_back(table: Any, wanted: Class) -> sa.ColumnElement[bool]:
    if not wanted.holding:
        return sa.true()
    alone: sa.ColumnElement[bool] = table.c.provider.in_(sa.bindparam(HELD_BACK, expanding=True))
    nowhere: sa.ColumnElement[bool] = table.c.alias.in_(sa.bindparam(HELD_ALIASES, expanding=True))
    return sa.or_(sa.not_(alone), sa.and_(table.c.alias.is_not(None), sa.not_(nowhere)))


def waits(wanted: Class) -> sa.Select[tuple[bool]]:
    """Whether there is a row to take at all, or another claim has just taken the last."""
    return sa.select(sa.exists().where(claimable(responses, wanted), _not_held_back(responses, wanted)))


def next_row(wanted: Class, *, tenant_cap: int) -> sa.ScalarSelect[str]:
    """The id to take; rows that another claim holds at this moment are passed over."""
    return (
        sa.select(responses.c.id)
        .where(claimable(responses, wanted), _not_held_back(responses, wanted))
        .where(responses.c.tenant_id == _fairest_tenant(wanted, tenant_cap))
        .order_by(responses.c.priority, responses.c.created_at)
        .limit(_ONE)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )


def next_row_of_others(wanted: Class, *, tenant_cap: int) -> sa.ScalarSelect[str]:
    """The same for a claim that others were faster than: a tenant's oldest row, if nobody holds it.

    Claims of one moment see the same tenant as the fairest; where it has too few rows for them all,
    the rest would go away empty although other tenants wait.
    """
    tenants = _waiting_tenants(wanted)
    oldest, in_progress = _oldest(tenants, wanted, "id"), _in_progress(tenants)
    choice = (
        sa.select(responses.c.id)
        .join_from(tenants, responses, responses.c.id == oldest)
        .where(claimable(responses, wanted))
    )
    if tenant_cap:
        choice = choice.where(in_progress < tenant_cap)
    return (
        choice.order_by(in_progress, responses.c.created_at)
        .limit(_ONE)
        .with_for_update(skip_locked=True, of=responses)
        .scalar_subquery()
    )


def _in_progress(tenants: sa.CTE) -> sa.ScalarSelect[int]:
    running = responses.alias("running")
    return (
        sa.select(sa.func.count())
        .where(running.c.status == IN_PROGRESS, running.c.tenant_id == tenants.c.tenant_id)
        .correlate(tenants)
        .scalar_subquery()
    )


def _oldest(tenants: sa.CTE, wanted: Class, column: str) -> sa.ScalarSelect[Any]:
    """Of each tenant's rows that wait."""
    waiting = responses.alias("waiting")
    return (
        # as the index of the queue has it: for the least of all, SQLite walks the tenant's whole history
        sa.select(waiting.c[column])
        .where(claimable(waiting, wanted), _not_held_back(waiting, wanted))
        .where(waiting.c.tenant_id == tenants.c.tenant_id)
        .order_by(waiting.c.priority, waiting.c.created_at)
        .limit(_ONE)
        .correlate(tenants)
        .scalar_subquery()
    )


def _fairest_tenant(wanted: Class, tenant_cap: int) -> sa.ScalarSelect[str]:
    tenants = _waiting_tenants(wanted)
    oldest, in_progress = _oldest(tenants, wanted, "created_at"), _in_progress(tenants)
    choice = sa.select(tenants.c.tenant_id).where(tenants.c.tenant_id.is_not(None), oldest.is_not(None))
    if tenant_cap:
        choice = choice.where(in_progress < tenant_cap)
    return choice.order_by(in_progress, oldest).limit(_ONE).scalar_subquery()


def _waiting_tenants(wanted: Class) -> sa.CTE:
    """Each tenant with queued rows once, one index probe a tenant."""

    def next_tenant(table: Any, *more: sa.ColumnElement[bool]) -> sa.Select[Any]:
        queued = (table.c.status == QUEUED, table.c.background == wanted.background)
        return sa.select(sa.func.min(table.c.tenant_id).label("tenant_id")).where(*queued, *more)

    tenants = next_tenant(responses.alias("first_queued")).cte("tenants", recursive=True)
    following = responses.alias("next_queued")
    step = next_tenant(following, following.c.tenant_id > tenants.c.tenant_id).correlate(tenants)
    return tenants.union_all(sa.select(step.scalar_subquery()).where(tenants.c.tenant_id.is_not(None)))
