"""An authority that nobody knows, and what it certifies: for servers that are to be verified."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import trustme

__all__ = ["certify", "write_authority", "write_certificate"]


@cache
def _authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=name)


def certify(host: str, *, authority: str = "Known") -> ssl.SSLContext:
    """What a server needs to be this host, as this authority says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority(authority).issue_cert(host).configure_cert(context)
    return context


def write_authority(folder: Path, *, authority: str = "Known") -> Path:
    """A file of the authority's certificate, for a client."""
    path = folder / f"{authority}.pem"
    _authority(authority).cert_pem.write_to_path(str(path))
    return path


def write_certificate(folder: Path, host: str, *, authority: str = "Known") -> Path:
    """A file of a host's certificate and its key, for a server of its own."""
    path = folder / f"{host}.pem"
    _authority(authority).issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(path))
    return path
