"""How the stand-in Core refuses a WebSocket command."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from standin.serving import Message
from standin.versions import DOTTED_PLACES, EXTRA_KEY, MISSING_KEY, Change, Version

Path = tuple[str | int, ...]
"""Where something is in a message: keys, and places in lists."""


class CommandError(Exception):
    """A command that failed, with the code and the sentence that go back to who sent it.

    Whatever answers a command or runs a service raises it where Core would refuse that.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def sentence(self, _: Version) -> str:
        """Return the sentence as this version of Core writes it."""
        return str(self)


@dataclass(frozen=True)
class Problem:
    """One thing that does not fit: what is wrong, where, and what is there."""

    what: str | Change[str]
    path: Path = ()
    got: object = None

    def sentence(self, version: Version) -> str:
        """Return the sentence as this version of Core writes it."""
        what = self.what if isinstance(self.what, str) else self.what.at(version)
        return f"{what}{self._place(version)}. Got {self.got!r}"

    def _place(self, version: Version) -> str:
        if not self.path:
            return ""
        if DOTTED_PLACES.at(version):
            steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path]
            return f" at '{''.join(steps).removeprefix('.')}'"
        of_key = isinstance(self.path[-1], str) and self.what not in (EXTRA_KEY, MISSING_KEY)
        steps = [f"[{step!r}]" for step in self.path]
        return f"{' for dictionary value' if of_key else ''} @ data{''.join(steps)}"


class UnfitError(CommandError):
    """A message that does not fit the command's schema, with everything that is wrong with it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("invalid_format", "; ".join(str(problem) for problem in problems))
        self.problems = problems

    def sentence(self, version: Version) -> str:
        """Return one line for each problem."""
        return "\n".join(sorted(problem.sentence(version) for problem in self.problems))


def home_assistant_error(message: str) -> CommandError:
    """The error for a message that fits, and asks for what Core does not do."""
    return CommandError("home_assistant_error", message)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise UnfitError if a message has problems."""
    if found := tuple(problems):
        raise UnfitError(*found)


def key_problems(
    data: Message, required: Collection[str], known: Collection[str], path: Path = ()
) -> Iterator[Problem]:
    """Yield a problem for each key that is missing, and for each that nobody knows."""
    for name in required:
        if name not in data:
            yield Problem(MISSING_KEY, (*path, name))
    for name, value in data.items():
        if name not in known:
            yield Problem(EXTRA_KEY, (*path, name), value)


def check_keys(
    data: Message, required: Collection[str], known: Collection[str], path: Path = ()
) -> None:
    """Raise UnfitError if a dictionary lacks a key, or has one that nobody knows."""
    refuse(key_problems(data, required, known, path))
