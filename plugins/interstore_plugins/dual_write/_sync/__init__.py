# Generated from plugins/interstore_plugins/dual_write/_async/__init__.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: ebce58a620e87c3257decb10

"""The synchronous flavour, from which the synchronous one is made."""
