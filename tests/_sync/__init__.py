# Generated from tests/_async/__init__.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 4491047c58db1e7261fd18ec

"""Tests of behaviour that both flavours have: the source of `tests._sync`."""
