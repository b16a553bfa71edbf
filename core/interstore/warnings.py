"""The warnings that Interstore gives."""

__all__ = ["InterstoreWarning"]


class InterstoreWarning(UserWarning):
    """Something that works, but probably not as meant."""
