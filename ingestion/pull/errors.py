"""What can go wrong between here and a sender's place.

Belongs here: the errors, and which of them are worth another try. Does not belong here: trying again (`patience`).
"""

from __future__ import annotations

import asyncio
import email.utils
import errno
import time
from collections.abc import Mapping

import aiohttp
import asyncssh

# Answers that say "later" rather than "no".
_LATER = (408, 425, 429, 500, 502, 503, 504)
_PASSING_ERRNO = {
    errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED, errno.EPIPE, errno.ETIMEDOUT, errno.EIO,
    errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EBUSY,
}  # fmt: skip


class PullError(Exception):
    """Something that could not be fetched, in words for the engineer who serves the sender.

    `not_before` is when the server asked to be called again, in seconds since 1970, where it did.
    """

    def __init__(self, message: str, not_before: float | None = None) -> None:
        super().__init__(message)
        self.not_before = not_before


class Passing(Exception):
    """A fetch that broke off in a way that another try may mend."""


class ShapeChanged(PullError):
    """An answer that is not of the shape its entry describes; says what was lost and what is new."""


def is_passing(error: BaseException) -> bool:
    """Whether another try may end otherwise."""
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status in _LATER
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL | asyncssh.PermissionDenied):
        return False
    if isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.KeyExchangeFailed):
        return False
    # BlockingIOError and the like carry their number; what fsspec makes of an S3 answer has one too.
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _PASSING_ERRNO or isinstance(error, TimeoutError | ConnectionError)
    passing = (
        Passing, aiohttp.ClientError, asyncio.TimeoutError, TimeoutError, ConnectionError, EOFError,
        asyncssh.DisconnectError, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.ChannelOpenError,
    )  # fmt: skip
    return isinstance(error, passing)


def asked_to_wait_s(error: BaseException | None) -> float | None:
    """The seconds that a server's `Retry-After` asks for, given as seconds or as a date; None when it asks nothing."""
    if not isinstance(error, aiohttp.ClientResponseError):
        return None
    headers: Mapping[str, str] = error.headers or {}
    told = headers.get("Retry-After", "").strip()
    if told.isdigit():
        return float(told)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return None
