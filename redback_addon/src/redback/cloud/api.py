"""Makes requests with a token, for everything that asks the cloud for data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from .auth import TokenSource
from .decoding import Decoder, MalformedError, unwrap
from .errors import CloudError, CredentialsError
from .shapes import Shape, route, shape
from .transport import Call, Deadline, Transport


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, out of its envelope (dossier 2.1), and how many elements all pages have."""

    call: Call
    data: Any
    total_count: int | None

    def elements(self) -> list[Any]:
        """Return the data as a list; null is an empty one, and anything else a CloudError."""
        if self.data is not None and not isinstance(self.data, list):
            raise self.broken("the answer contains no list")
        return self.data or []

    def broken(self, detail: str) -> CloudError:
        """Return the error that says what is wrong with this answer."""
        return self.call.broken(detail, HTTPStatus.OK)


class Api:
    """Makes requests with a token, and models of the answers; may be used from several threads."""

    def __init__(self, transport: Transport, tokens: TokenSource) -> None:
        self.transport = transport
        self.decoder = Decoder()
        self._tokens = tokens
        self.shapes: dict[str, Shape] = {}

    def ask(
        self,
        path: str,
        deadline: Deadline,
        *,
        may_repeat: bool,
        params: Mapping[str, int] | None = None,
        serials: Sequence[str] | None = None,
        apart: float = 0.0,
    ) -> Answer:
        """Make a request with a token, and with a better one if that is refused.

        With `serials` it is a POST of these, as JSON; without, a GET. `deadline` is that of all
        tries together, of which two are at least `apart` seconds apart. `may_repeat` is whether
        making it twice does no harm: reads may, writes may not.

        Raises:
            TransientError: also if the answer is not JSON in its envelope.
            OutcomeUnknownError: a request that must not be repeated failed, and may have been done.
            CloudError: of whatever other kind fits.
        """
        method = "GET" if serials is None else "POST"
        token = self._tokens.token(deadline)
        while True:  # until the token is taken, or the source has no better one
            call = Call(
                method,
                self._tokens.api_url + path,
                authorization=token.authorization,
                params=params,
                json=serials,
                may_repeat=may_repeat,
            )
            try:
                data, total = unwrap(self.transport.request(call, deadline, apart=apart))
            except CredentialsError:
                token = self._tokens.refused(token, deadline)
            except MalformedError:
                raise call.broken("the answer is not JSON as expected", HTTPStatus.OK) from None
            else:
                self.shapes[route(path)] = shape(data)
                return Answer(call, data, total)
