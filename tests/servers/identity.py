"""What hands tokens of Microsoft Entra ID to programs on Azure App Service, on this machine.

azure-identity asks the address in IDENTITY_ENDPOINT, and shows that it may by the secret in
IDENTITY_HEADER. Fact: the page "How to use managed identities for App Service", REST endpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["managed_identity"]

SECRET = "the-secret-of-this-app"


@contextmanager
def managed_identity(token: str) -> Generator[dict[str, str]]:
    """The variables that lead programs to it; it gives this token for Cosmos DB."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            known = self.headers.get("X-IDENTITY-HEADER") == SECRET and "resource" in asked
            body = {
                "access_token": token,
                "expires_on": str(int(time.time()) + 3600),
                "resource": asked.get("resource", [""])[0],
                "token_type": "Bearer",
            }
            self._answer(200 if known else 400, body if known else {"message": "who asks?"})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name above
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_address[1]}/msi/token"
        yield {"IDENTITY_ENDPOINT": endpoint, "IDENTITY_HEADER": SECRET}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
