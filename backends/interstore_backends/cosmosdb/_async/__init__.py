"""The database class for asyncio, from which the one for threads is generated."""
