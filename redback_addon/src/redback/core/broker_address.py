"""Where an MQTT broker is, and what it says when a connection has ended."""

from dataclasses import dataclass, field

_PORT, _TLS_PORT = 1883, 8883


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is, and how to log in; the password is a secret.

    Attributes:
        port: None = the usual one.
        authority: the certificates (DER) that its own may be of; empty = those of this machine.
    """

    host: str
    port: int | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    authority: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        """Return host and port."""
        return f"{self.host}:{self.number}"

    @property
    def number(self) -> int:
        """The port, or the usual one."""
        return self.port or (_TLS_PORT if self.tls else _PORT)


@dataclass(frozen=True, slots=True)
class Will:
    """The message that the broker retains on a topic once this connection has ended."""

    topic: str
    payload: str
