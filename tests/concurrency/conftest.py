from tests.differential.fixtures import place, subject

__all__ = ["place", "subject"]
