"""What can go wrong with a server, tried on every engine that has one.

`plugin` brings `served`: each engine in turn, its server, an empty database, and a proxy before
it. An engine joins by an entry in `plugin.ENGINES`. The tests are in tests/_async and their twins
in tests/_sync (`test_faults_...`); what an engine has of its own is tested beside it.
"""
