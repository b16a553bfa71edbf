"""Tests of behaviour that both flavours have: the source of `tests._sync`."""
