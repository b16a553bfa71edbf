# Generated from core/interstore/testing/_async/blobs/__init__.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 6a422f9a0cf071c3790b866a

"""The conformance kit of blob engines."""
