"""The asyncio sources; `_sync` is generated from them."""
