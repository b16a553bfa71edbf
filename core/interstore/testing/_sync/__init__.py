# Generated from core/interstore/testing/_async/__init__.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: a14560aed83af11d081d7f58

"""The suites of the kit: the source from which `interstore.testing._sync` is generated."""
