"""The add-on as the Supervisor reads it."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent / "redback_addon"


def config() -> dict[str, Any]:
    """Return its config.yaml; each time a new one, which a test may change."""
    read: dict[str, Any] = yaml.safe_load((FOLDER / "config.yaml").read_text(encoding="utf-8"))
    return read
