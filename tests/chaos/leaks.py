"""Looks for secrets in everything that was logged."""

from collections.abc import Iterable
from pathlib import Path


def find(secrets: Iterable[str], folder: Path) -> list[str]:
    """Name each line of the logs below a folder that contains a secret, without the secret."""
    wanted = tuple(secrets)
    logs = (path for path in sorted(folder.rglob("*log*")) if path.is_file())
    return [
        f"{log}:{number}"
        for log in logs
        for number, line in enumerate(log.read_text(errors="replace").splitlines(), start=1)
        if any(secret in line for secret in wanted)
    ]
