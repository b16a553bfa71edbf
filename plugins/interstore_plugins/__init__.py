"""What wraps or observes a store and can be removed."""
