"""The asynchronous flavour, from which the synchronous one is made."""
