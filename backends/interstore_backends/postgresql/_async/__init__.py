"""The asyncio flavour: the source of the other."""
