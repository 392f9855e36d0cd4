"""The stand-in Core's users, which an administrator may list, create and change."""

import uuid
from dataclasses import asdict, dataclass, field

from standin.errors import CommandError, check_keys
from standin.serving import Message

OWNER = "0123456789abcdef0123456789abcdef"
"""The id of the one user that there is at first."""


@dataclass
class User:
    """One user."""

    id: str
    name: str
    group_ids: list[str] = field(default_factory=list)
    is_owner: bool = False
    is_active: bool = True
    local_only: bool = False
    system_generated: bool = False
    username: str | None = None
    credentials: list[Message] = field(default_factory=list)


class Users:
    """All users of one Core."""

    def __init__(self) -> None:
        self._users = {OWNER: User(OWNER, "Demo", ["system-admin"], is_owner=True)}

    def list(self, _: Message) -> list[Message]:
        """All of them, as `config/auth/list` lists them."""
        return [asdict(user) for user in self._users.values()]

    def create(self, message: Message) -> Message:
        """Create one, as `config/auth/create` does."""
        check_keys(message, {"name"}, message)
        user = User(uuid.uuid4().hex, message["name"], message.get("group_ids", []))
        self._users[user.id] = user
        return {"user": asdict(user)}

    def update(self, message: Message) -> Message:
        """Change one, as `config/auth/update` does."""
        check_keys(message, {"user_id"}, message)
        user = self._users.get(message["user_id"])
        if user is None:
            raise CommandError("not_found", "User not found")
        for name in ("name", "is_active", "group_ids"):
            setattr(user, name, message.get(name, getattr(user, name)))
        return {"user": asdict(user)}

    def current(self, _: Message) -> Message:
        """The one that a token belongs to, as `auth/current_user` answers."""
        return {"id": OWNER, "name": "Demo", "is_owner": True, "is_admin": True}
