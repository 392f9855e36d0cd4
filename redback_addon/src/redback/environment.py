"""The environment variables, read once at the start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


class EnvironmentVariableError(Exception):
    """The variables are invalid; the text is one sentence for the log."""


@dataclass(frozen=True)
class Environment:
    """The addresses of the Supervisor, the cloud and the panel, and the data folder.

    URLs have no trailing slash.
    """

    supervisor_token: str = field(repr=False)
    supervisor_url: str = "http://supervisor"
    api_url: str = "https://api.redbacktech.com"
    login_url: str = "https://login.microsoftonline.com"
    data: Path = Path("/data")
    panel_port: int = 8099
    panel_allow: tuple[str, ...] = ("172.30.32.2",)

    @classmethod
    def from_variables(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Read the variables; those that are absent or empty keep their defaults."""
        token = variables.get("SUPERVISOR_TOKEN", "").strip()
        if not token:
            raise EnvironmentVariableError(
                "SUPERVISOR_TOKEN is not set: this program must be started by the Supervisor."
            )
        return cls(
            supervisor_token=token,
            supervisor_url=_url(variables, "SUPERVISOR_URL", cls.supervisor_url),
            api_url=_url(variables, "REDBACK_API_URL", cls.api_url),
            login_url=_url(variables, "REDBACK_LOGIN_URL", cls.login_url),
            data=data_folder(variables),
            panel_port=_port(variables.get("REDBACK_PANEL_PORT") or str(cls.panel_port)),
            panel_allow=_addresses(variables.get("REDBACK_PANEL_ALLOW", "")) or cls.panel_allow,
        )


def data_folder(variables: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the options, and of everything that must outlive a restart."""
    return Path(variables.get("REDBACK_DATA") or Environment.data)


def _url(variables: Mapping[str, str], name: str, default: str) -> str:
    return (variables.get(name) or default).rstrip("/")


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:  # noqa: PLR2004 - the last port there is
        raise EnvironmentVariableError(
            f"REDBACK_PANEL_PORT must be a port number, but is {text!r}."
        )
    return int(text)


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(address for part in text.split(",") if (address := part.strip()))
