from tests.differential.fixtures import place, subject, subjects

__all__ = ["place", "subject", "subjects"]
