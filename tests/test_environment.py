"""What the process reads from its environment variables."""

from pathlib import Path

import pytest

from redback.environment import Environment, EnvironmentVariableError

TOKEN = {"SUPERVISOR_TOKEN": "a-token"}


def test_the_token_alone_is_enough() -> None:
    environment = Environment.from_variables(TOKEN)
    assert environment == Environment("a-token")
    assert environment.supervisor_url == "http://supervisor"
    assert environment.panel_allow == ("172.30.32.2",)


def test_everything_can_be_said() -> None:
    said = TOKEN | {
        "SUPERVISOR_URL": "http://s/",
        "REDBACK_API_URL": "http://a/",
        "REDBACK_LOGIN_URL": "http://l",
        "REDBACK_DATA": "/somewhere",
        "REDBACK_PANEL_PORT": "1234",
        "REDBACK_PANEL_ALLOW": "127.0.0.1, ::1,",
    }
    assert Environment.from_variables(said) == Environment(
        "a-token",
        "http://s",
        "http://a",
        "http://l",
        Path("/somewhere"),
        1234,
        ("127.0.0.1", "::1"),
    )


def test_without_a_token_nothing_works() -> None:
    with pytest.raises(EnvironmentVariableError, match="SUPERVISOR_TOKEN is not set"):
        Environment.from_variables({"SUPERVISOR_TOKEN": " "})


@pytest.mark.parametrize("port", ["x", "-1", "65536"])
def test_a_port_must_be_one(port: str) -> None:
    with pytest.raises(EnvironmentVariableError, match="REDBACK_PANEL_PORT must be a port number"):
        Environment.from_variables(TOKEN | {"REDBACK_PANEL_PORT": port})


def test_the_token_is_in_no_representation() -> None:
    assert "a-token" not in repr(Environment.from_variables(TOKEN))
