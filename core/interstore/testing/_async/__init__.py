"""The suites of the kit: the source from which `interstore.testing._sync` is generated."""
