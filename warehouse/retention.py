"""Which releases are kept, and for how long: the one place that says so.

Belongs here: the rule, and removing what it lets go. Does not belong here: damaged releases (`releases` replaces them).

By default every release is kept: a figure that was quoted can be shown as it was, which is why people trust releases
at all. Where disk space asks for it, QAMTU_KEEP_RELEASES = n keeps the last n published, and beyond them always
- the current release, and the one before it, which `qamtu diff` and `qamtu rollback` need;
- the last release of every calendar quarter (UTC), so that what was quoted in public stays within reach.
Everything else goes, the oldest first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from warehouse.files import file_lock, remove_tree
from warehouse.history import LOCK, REMOVED, Event, record, write_history
from warehouse.paths import Home
from warehouse.releases import ReleaseInfo, list_releases

VARIABLE = "QAMTU_KEEP_RELEASES"


@dataclass(frozen=True)
class Removal:
    """A release that was removed, or would be: its id, folder name and when it was published."""

    publication_id: str
    folder: str
    published_at: str


def keep_from_environment() -> int | None:
    """How many of the last releases QAMTU_KEEP_RELEASES keeps; None, the default, keeps all.

    Errors: ValueError when it is no whole number from 1.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return None
    if not given.isdigit() or int(given) < 1:
        raise ValueError(
            f"{VARIABLE} is {given!r}; give a whole number from 1, or unset it to keep every release"
        )
    return int(given)


def expired(releases: Sequence[ReleaseInfo], keep: int | None) -> list[ReleaseInfo]:
    """The releases that the rule lets go, the oldest first; pure. Without a current release nothing goes."""
    current = next((release for release in releases if release.is_current), None)
    if keep is None or current is None:
        return []
    ordered = sorted(releases, key=lambda release: (release.published_at, release.publication_id))
    of_quarter = {_quarter(release.published_at): release.path for release in ordered}
    kept = {*(release.path for release in ordered[-keep:]), *of_quarter.values(), current.path}
    kept |= {each.path for each in ordered if each.publication_id == current.previous_publication_id}
    return [release for release in ordered if release.path not in kept]


def retain(home: Home, keep: int | None, dry_run: bool = False, at: datetime | None = None) -> list[Removal]:
    """Remove what the rule lets go; returns what was removed, or would be.

    A release gets a hidden name first, so that one half removed is never taken for a release.
    """
    if keep is None:
        return []
    with file_lock(home.published / LOCK):
        going = expired(list_releases(home), keep)
        found = [Removal(each.publication_id, each.path.name, each.published_at) for each in going]
        if dry_run or not going:
            return found
        moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
        hidden = []
        for release in going:
            place = release.path.with_name(f".tmp-removed-{release.path.name}")
            release.path.rename(place)
            hidden.append(place)
            record(home, Event(moment, REMOVED, release.publication_id))
        write_history(home)
        for place in hidden:
            remove_tree(place)
        return found


def _quarter(published_at: str) -> tuple[int, int]:
    moment = datetime.fromisoformat(published_at).astimezone(UTC)
    return moment.year, (moment.month - 1) // 3
