"""Work in the background of which only the newest counts."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: Jobs of all visitors together that are worked on at a time; the others wait.
AT_ONCE = 2
#: Seconds after which a job that waits looks whether it is still wanted.
PATIENCE = 0.05

_turns = threading.BoundedSemaphore(AT_ONCE)


class Superseded(Exception):  # noqa: N818 - no error: the answer is simply no longer wanted
    """A newer request has come, or the visitor has gone."""


class Latest:
    """Does jobs in threads of their own; a newer one puts an end to the one before.

    A job asks now and then whether it is still wanted, and delivers what it found through `deliver`,
    so that nothing old is ever seen after something new.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest = 0

    def ask(self, job: Callable[[Ticket], None]) -> threading.Thread:
        """Have a job done in place of any earlier one; returns at once.

        Args:
            job: is given its ticket. What it raises, other than `Superseded`, is an error of the program.
        """
        with self._lock:
            self._newest += 1
            ticket = Ticket(self, self._newest)
        thread = threading.Thread(target=_do, args=(job, ticket), daemon=True)
        thread.start()
        return thread

    def end(self) -> None:
        """Put an end to what is going on."""
        with self._lock:
            self._newest += 1

    def _is_newest(self, number: int) -> bool:
        return number == self._newest


class Ticket:
    """What a job knows of itself: whether it is the newest."""

    def __init__(self, latest: Latest, number: int) -> None:
        self._latest = latest
        self._number = number

    def still_wanted(self) -> None:
        """Go on only if nothing newer has been asked for.

        Raises:
            Superseded: when something has.
        """
        if not self._latest._is_newest(self._number):
            raise Superseded

    def deliver(self, take: Callable[[], None]) -> None:
        """Have something taken, unless it is no longer wanted.

        Raises:
            Superseded: when it is not.
        """
        with self._latest._lock:
            self.still_wanted()
            take()


def _do(job: Callable[[Ticket], None], ticket: Ticket) -> None:
    try:
        while not _turns.acquire(timeout=PATIENCE):
            ticket.still_wanted()
        try:
            ticket.still_wanted()
            job(ticket)
        finally:
            _turns.release()
    except Superseded:
        pass
