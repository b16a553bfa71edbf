"""The conformance kit of blob engines."""
