"""What the memory and the JSON files engine share: models as tables of encoded documents.

A `Table` maps each id to its record: the stored JSON text of the document and its envelope.
It holds no decoded documents, so what a caller gets is decoded for it and its own, and a
scan decodes of each record only what its filter asks for.

* `records`: how a document becomes a record and back
* `order`, `table`: the index, and its ids in order
* `entries`, `search`, `admission`: declared indexes, what queries and writes ask of them
* `plan`, `projection`: what a query needs to read of it
* `queries`: the reads
* `database`: every operation of the contract, on an engine's way to commit changes
"""
