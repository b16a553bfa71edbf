"""The blobs that documents refer to, on their way with the documents."""
