"""Moving data while an application reads and writes it.

The application's processes take part by the plugin ``dual-write``; `interstore.dual` says how. Here
is the other side: `begin` before the copy, then `catch_up`, `cutover`, `rollback` and `finish`.
"""
