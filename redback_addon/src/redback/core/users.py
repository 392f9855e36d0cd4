"""Core's users: who may change something."""

import msgspec

from .websocket import WebSocket

# The id of Core's own group, which its users page calls Administrators.
_ADMINISTRATORS = "system-admin"


class _User(msgspec.Struct, frozen=True):
    id: str
    is_owner: bool
    is_active: bool
    group_ids: list[str]


class Users:
    """The users of one Core."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def is_administrator(self, user_id: str) -> bool:
        """Whether Core has this user, and lets them administer it now.

        Raises:
            CoreError: Core does not say; see `WebSocket.command`.
        """
        users = await self._websocket.ask({"type": "config/auth/list"}, list[_User])
        return any(
            user.id == user_id
            and (user.is_owner or (user.is_active and _ADMINISTRATORS in user.group_ids))
            for user in users
        )
