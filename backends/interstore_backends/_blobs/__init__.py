"""What the engines for blobs on object stores share."""
