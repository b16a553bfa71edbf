"""What a child process does: it moves money, each time in a transaction."""

from __future__ import annotations

from itertools import count

from interstore._sync.store import Store
from tests.differential.engines import Place

__all__ = ["transfers", "transfers_until_killed"]


def transfers(place: Place, accounts: list[str], worker: int, times: int) -> None:
    """Move money so often, each time in a transaction, and write it into the book."""
    with place.store() as store:
        for number in range(times):
            _transfer(store, accounts, worker, number)


def transfers_until_killed(place: Place, accounts: list[str], worker: int) -> None:
    """The same without end."""
    with place.store() as store:
        for number in count():
            _transfer(store, accounts, worker, number)


def _transfer(store: Store, accounts: list[str], worker: int, number: int) -> None:
    source = accounts[(worker + number) % len(accounts)]
    target = accounts[(worker + 1 + 2 * number) % len(accounts)]

    def move(tx: Store) -> None:
        tx.create("book", {"source": source, "target": target, "amount": number})
        # Read and written, so that a transaction between the two would be lost.
        found = tx.get("accounts", source)
        tx.put("accounts", {"id": source, "balance": found["balance"] - number})
        tx.update("accounts", target, {"$inc": {"balance": number}})

    store.run_in_transaction(move, timeout=60)
