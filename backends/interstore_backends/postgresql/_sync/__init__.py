# Generated from backends/interstore_backends/postgresql/_async/__init__.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 097a292673e9b7d66877ba86

"""The asyncio flavour: the source of the other."""
