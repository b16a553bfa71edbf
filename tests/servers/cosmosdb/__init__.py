"""Cosmos DB for the tests: an account of their own in a process, or one's own.

The process (`gateway`) holds the items and answers what the azure-cosmos client asks as the service
does, as far as Microsoft's documentation, the client's source and recorded answers tell. The npm
server `@vercel/cosmosdb-server` could have held them behind a gateway, and does not, because nearly
all that this project needs would have had to be put right in front of it: it answers 500 for 404,
has one partition and no query plans, parses nested parentheses in exponential time, fails on
`FROM e IN x` where x is no array, and knows neither OFFSET nor batches nor time to live. What it
is good for, a second reading of the query language, it does in test_cosmosdb_opinion.py.
"""

from tests.servers.cosmosdb.server import PACKAGE, URL_VARIABLE, CosmosDB, running

__all__ = ["PACKAGE", "URL_VARIABLE", "CosmosDB", "running"]
