"""The service's query language: text to tree, tree to functions, and the plan that an SDK asks for.

Written for these tests, because the one engine that can be had offline, that of the npm server,
differs from the service in ways that matter here: its parser takes time exponential in nested
parentheses, `FROM e IN x` fails where `x` is no array, OFFSET and several functions are missing.
It is asked for a second opinion on what both can do, by test_cosmosdb_opinion.py.

What is implemented is what Microsoft's pages "SELECT clause" to "OFFSET LIMIT clause",
"Subqueries", "Equality and comparison operators", "Logical operators" and "System functions"
describe, without user-defined functions, geometry, full text and vectors.
"""
