"""The stand-in Core's dashboards: made by command, and what is in them."""

from typing import Any

from standin.errors import CommandError, Problem, UnfitError, check_keys
from standin.serving import Message
from standin.versions import URL_IN_USE, Version

_DEFAULTS = {"mode": "storage", "show_in_sidebar": True, "require_admin": False}
_KNOWN = {"allow_single_word", "icon", "title", "url_path", *_DEFAULTS}


class Lovelace:
    """The dashboards of one Core of a version; they outlive a restart.

    `dashboards` are their entries in the side bar, by url_path; `configs` their views, where
    somebody has saved any. `define_in_yaml` puts one there that Core's configuration defines.
    """

    def __init__(self, version: Version) -> None:
        self._version = version
        self.dashboards: dict[str, Message] = {}
        self.configs: dict[str, Any] = {}

    def define_in_yaml(self, url_path: str, config: Message | None = None) -> None:
        """Have a dashboard that no command can change; None = its file is missing."""
        self.dashboards[url_path] = {**_DEFAULTS, "url_path": url_path, "mode": "yaml"}
        if config is not None:
            self.configs[url_path] = config

    def entries(self, _: Message) -> list[Message]:
        """`lovelace/dashboards/list`."""
        return [*self.dashboards.values()]

    def create(self, message: Message) -> Message:
        """`lovelace/dashboards/create`: an entry, without views yet."""
        wanted = {name: value for name, value in message.items() if name not in {"id", "type"}}
        check_keys(wanted, {"title", "url_path"}, _KNOWN)
        url_path = str(wanted["url_path"])
        if "-" not in url_path and not wanted.pop("allow_single_word", False):
            problem = "Url path needs to contain a hyphen (-)"
            raise UnfitError(Problem(problem, got={**wanted, **_DEFAULTS}))
        if url_path in self.dashboards:
            code, sentence = URL_IN_USE.at(self._version)
            if code == "invalid_format":
                raise UnfitError(Problem(sentence, got={**wanted, **_DEFAULTS}))
            raise CommandError(code, sentence.format(url_path))
        made = {"id": url_path.replace("-", "_"), **_DEFAULTS, **wanted}
        self.dashboards[url_path] = made
        return made

    def config(self, message: Message) -> Any:  # noqa: ANN401  (whatever was saved)
        """`lovelace/config`."""
        url_path = self._checked(message)
        if url_path not in self.configs:
            raise CommandError("config_not_found", "No config found.")
        return self.configs[url_path]

    def save(self, message: Message) -> None:
        """`lovelace/config/save`: what is in it is not looked at."""
        check_keys(message, {"config"}, message)
        url_path = self._checked(message)
        if self.dashboards[url_path]["mode"] == "yaml":
            raise CommandError("error", "Not supported")
        self.configs[url_path] = message["config"]

    def _checked(self, message: Message) -> str:
        url_path = str(message.get("url_path"))
        if url_path not in self.dashboards:
            raise CommandError("config_not_found", f"Unknown config specified: {url_path}")
        return url_path
