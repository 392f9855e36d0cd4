"""Makes requests with a token, for everything that asks the cloud for data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from .auth import Token, TokenSource
from .decoding import Decoder, MalformedError, unwrap
from .errors import (
    AccessError,
    CloudError,
    CredentialsError,
    NotFoundError,
    RequestError,
    TransientError,
)
from .shapes import Shape, route, shape
from .transport import Call, Deadline, Transport

# The account's sites: a good token may list them, whichever inverters it may read.
NODES = "/Api/v2/EnergyData/With/Nodes"


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

    def refused(self, detail: str) -> CloudError:
        """Return the error that says that the cloud has not done this."""
        return RequestError(detail, method=self.call.method, url=self.call.where)

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
        method: str = "GET",
        json: Sequence[str] | Mapping[str, object] | None = None,
        apart: float = 0.0,
    ) -> Answer:
        """Make a request with a token, and with a better one if that is refused.

        `deadline` is that of all tries together, of which two are at least `apart` seconds apart.
        `may_repeat` is whether making it twice does no harm: reads may, writes may not.

        Raises:
            AccessError: also if the token is refused for this, but not for the list of sites.
            TransientError: also if the answer is not JSON in its envelope.
            OutcomeUnknownError: a request that must not be repeated failed, and may have been done.
            CloudError: of whatever other kind fits.
        """
        token = self._tokens.token(deadline)
        while True:  # until the token is taken, or the source has no better one
            call = Call(
                method,
                self._tokens.api_url + path,
                authorization=token.authorization,
                params=params,
                json=json,
                may_repeat=may_repeat,
            )
            try:
                data, total = unwrap(self.transport.request(call, deadline, apart=apart))
            except CloudError as error:
                better = self._better(token, error, path, deadline)
                if better is None:
                    raise
                token = better
            except MalformedError:
                raise call.broken("the answer is not JSON as expected", HTTPStatus.OK) from None
            else:
                self.shapes[route(path)] = shape(data)
                return Answer(call, data, total)

    def _better(
        self, token: Token, error: CloudError, path: str, deadline: Deadline
    ) -> Token | None:
        """Return a better token if the one in use is to blame for an error; None if it is not.

        Raises:
            AccessError: the token is good, but refused for this: an inverter has left the account.
            CloudError: there is no better token.
        """
        if isinstance(error, CredentialsError):
            if path != NODES and self._is_good(token, deadline):
                raise AccessError(
                    error.detail, method=error.method, url=error.url, status=error.status
                )
            return self._tokens.refused(token, deadline)
        if not _may_be_refusal(error) or not self._tokens.may_be_refused(token):
            return None
        try:
            if path != NODES and self._is_good(token, deadline):
                return None
            return self._tokens.refused(token, deadline)
        except TransientError:
            return None  # the cloud is away; the first error says more

    def _is_good(self, token: Token, deadline: Deadline) -> bool:
        """Whether the cloud takes a token for the list of sites.

        Raises:
            ThrottledError, TransientError: it cannot be known now.
        """
        call = Call(
            "GET",
            self._tokens.api_url + NODES,
            authorization=token.authorization,
            params={"page": 0, "pageSize": 1},
            may_repeat=True,
        )
        try:
            self.transport.request(call, deadline)
        except CredentialsError:
            return False
        except TransientError as error:
            if not _may_be_refusal(error):
                raise
            return False
        except (AccessError, NotFoundError, RequestError):
            pass  # the token was good enough for that to be said
        return True


def _may_be_refusal(error: CloudError) -> bool:
    """Whether a cloud may mean a refused token by this: it is not known how it says that."""
    return isinstance(error, TransientError) and error.status == HTTPStatus.INTERNAL_SERVER_ERROR
