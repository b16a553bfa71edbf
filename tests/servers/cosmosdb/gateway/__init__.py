"""A Cosmos DB account in a process: what the service does on the wire, as far as tests need it."""
