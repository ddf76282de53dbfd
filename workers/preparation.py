"""What is generated, put together from a claimed row: the request, the turns before it, who keeps what."""

from __future__ import annotations

from shared.catalog import Provider as Account
from shared.lifecycle import Status
from shared.store import Store
from shared.store.rows import RESPONSE, Claim
from workers.context import FIELD
from workers.providers import Generation
from workers.sealed_content import Sealer
from workers.transcript import Addressee, latest, transcript

KEPT = frozenset({Status.COMPLETED, Status.INCOMPLETE})  # whose upstream copy later turns can build upon


def prepare(store: Store, account: Account, claim: Claim, sealer: Sealer) -> Generation:
    """Raises UpstreamError where the account cannot be told the turns before."""
    row, addressee = claim.row, Addressee.of(account)
    kept = account.state == "upstream" and row.store and row.kind == RESPONSE
    continues = _turn_before(store, account, claim) if kept else None
    apart = continues is not None or FIELD in claim.request  # else nobody asks which items are new
    return Generation(
        response_id=row.id,
        attempt=row.attempt,
        model=row.model,
        body=claim.request,
        items=transcript(store.items, claim, sealer, addressee),
        resumable=account.resumable and row.store,
        own=tuple(latest(claim, sealer, addressee)) if apart else (),
        maker=account.maker,
        kept=kept,
        continues=continues,
    )


def _turn_before(store: Store, account: Account, claim: Claim) -> str | None:
    """The upstream's id of the turn before, if it was this account's and nobody has deleted it."""
    parent_id = claim.row.previous_response_id
    if parent_id is None or (account.manages_context and FIELD in claim.request):
        return None  # a context that is managed here is one that is here
    parent = store.responses.states([parent_id]).get(parent_id)
    if parent is None or parent.provider != account.name or parent.deleted_at is not None:
        return None
    return parent.kept_upstream_id
