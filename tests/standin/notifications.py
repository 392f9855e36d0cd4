"""The stand-in Core's persistent notifications, which people see in the side bar."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from standin.errors import CommandError, check_keys
from standin.serving import Message

DOMAIN = "persistent_notification"


@dataclass(frozen=True)
class Notification:
    """One notification; `created_at` is aware UTC."""

    notification_id: str
    message: str
    title: str | None
    created_at: datetime

    def as_dict(self) -> Message:
        """The shape that `persistent_notification/get` lists."""
        return {
            "message": self.message,
            "notification_id": self.notification_id,
            "title": self.title,
            "created_at": self.created_at.isoformat(),
        }


class Notifications:
    """All notifications of one Core, by their id; gone after a restart."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._notifications: dict[str, Notification] = {}

    def __iter__(self) -> Iterator[Notification]:
        return iter(self._notifications.values())

    def call(self, service: str, data: Message) -> None:
        """Run one of the services `create` and `dismiss`."""
        if service == "create":
            self._create(data)
        elif service == "dismiss":
            check_keys(data, {"notification_id"}, {"notification_id"})
            self._notifications.pop(data["notification_id"], None)
        else:
            raise CommandError("not_found", f"Service {DOMAIN}.{service} not found.")

    def forget(self) -> None:
        """Lose all of them."""
        self._notifications.clear()

    def _create(self, data: Message) -> None:
        check_keys(data, {"message"}, {"message", "title", "notification_id"})
        name = data.get("notification_id") or uuid.uuid4().hex
        self._notifications[name] = Notification(
            name, data["message"], data.get("title"), self._clock()
        )
