"""Records and answers when a command was made, replaced, ended or given up."""

import logging
from datetime import timedelta

from msgspec import structs

from ..clock import Clock
from ..cloud import CloudError, OutcomeUnknownError
from .answers import Answers, sentence
from .book import Book, Own

_LOG = logging.getLogger(__name__)
# What begins sooner is begun.
SOON = timedelta(minutes=1)


class Outcomes:
    """Notes each step in the book before it is answered."""

    def __init__(self, book: Book, answers: Answers, clock: Clock) -> None:
        self.book = book
        self.answers = answers
        self._clock = clock

    def is_ours(self, one: Own) -> bool:
        """Whether this is still in the book as it is."""
        return any(one is other for other in self.book.own)

    def made(self, new: Own, key: str) -> None:
        """Note that the cloud has it: it replaces what is older."""
        now = self._clock.now()
        made = structs.replace(new, key=key, is_made=True, is_answered=True)
        if not self.is_ours(new):  # nobody wants it any more, and that has been answered
            if all(one.key != key for one in self.book.own):
                self.book.change((), (structs.replace(made, cancelled=now),))
            return
        self.book.change((new,), (made,))
        _LOG.info("%s: %s", self.answers.name(made.serial), sentence(made, now))
        if not new.is_answered:
            self.answers.about(made, self.begun(made))

    def begun(self, one: Own) -> str:
        """Return the result of what the cloud has."""
        return "scheduled" if one.start > self._clock.now() + SOON else "started"

    def not_made(self, new: Own, error: CloudError) -> None:
        """Forget it; but what may have been made is kept until the list says so."""
        is_unknown = isinstance(error, OutcomeUnknownError)
        self.book.change((new,), (structs.replace(new, is_answered=True),) if is_unknown else ())

    def over(self, one: Own, reason: str | None) -> None:
        """Note that it has ended, for a reason if it did not come to its end."""
        if not self.is_ours(one):
            return  # it has been answered
        self.book.change((one,))
        if not one.is_missing:
            self.answers.about(one, "ended", reason)

    def missing(self, one: Own) -> None:
        """Note that it is over as far as the list says; whatever ends or replaces it deletes it."""
        self.book.change((one,), (structs.replace(one, is_missing=True),))
        self.answers.about(one, "ended", "It is not in Redback's cloud any more.")

    def back(self, one: Own) -> None:
        """Note that it is listed again."""
        self.book.change((one,), (structs.replace(one, is_missing=False),))
        self.answers.about(one, self.begun(one), "It is in Redback's cloud again.")

    def give_up_on(self, one: Own, why: str | None = None) -> None:
        """Forget what is not in the cloud, as far as its list says; it may say why."""
        self.book.change((one,))
        if one.was_made:
            self.answers.about(one, "ended", why or "Replaced by a later command, which failed.")
        elif not one.is_answered:
            stopped = "The add-on was stopped before it knew this to be done, and it is not listed."
            self.answers.about(one, "failed", why or stopped)
