# Generated from core/interstore/_async/__init__.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 34a5c7f0568e80536f74475d

"""The synchronous flavour: the source from which `interstore._sync` is generated."""
