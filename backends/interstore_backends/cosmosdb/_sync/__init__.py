# Generated from backends/interstore_backends/cosmosdb/_async/__init__.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 1384da6c808a45a279ab2050

"""The database class for asyncio, from which the one for threads is generated."""
