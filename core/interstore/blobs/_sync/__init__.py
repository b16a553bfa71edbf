# Generated from core/interstore/blobs/_async/__init__.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 086cd9256a5679882ea6542c

"""The asyncio sources; `_sync` is generated from them."""
