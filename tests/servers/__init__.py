"""Real servers for the tests: started from packages, or one's own by an environment variable.

In a test, ask for a fixture of `tests.servers.plugin`. In a script:

    from tests.servers import mongodb, postgresql

    with postgresql.running() as server, server.database() as url:
        ...

From a shell, until Ctrl-C: `python -m tests.servers postgresql`.
"""
