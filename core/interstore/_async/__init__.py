"""The asynchronous flavour: the source from which `interstore._sync` is generated."""
