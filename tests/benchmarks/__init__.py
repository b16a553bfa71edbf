"""How fast Interstore is beside the driver it uses and beside what else one might use.

    uv run --group bench python -m tests.benchmarks

See `docs/speed.md`. Nothing here asserts on time.
"""
