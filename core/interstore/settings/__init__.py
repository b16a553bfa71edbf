"""Settings of engines: classes of them, and where their values come from."""

from interstore.settings.base import Settings, env
from interstore.settings.host import check_host
from interstore.settings.secret import Secret, redact
from interstore.settings.url import URL

__all__ = ["URL", "Secret", "Settings", "check_host", "env", "redact"]
