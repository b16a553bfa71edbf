"""Blobs: files by key, in a folder, in memory, in S3, in Azure, or in any fsspec filesystem.

`opening` makes a store from what is said about it; `_async.store` is what applications call;
`_async.engine` is all that an engine has to do; `backend` is how a package registers one.
"""
