"""What Google means to do about a version: when its support ends, where the next one is, and what holds it up."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from maintd.core.gke import Exclusion, Upgrade, UpgradeInfo
from maintd.core.text import counted
from maintd.objects.verdicts import Point

_WAITS = (
    "MAINTENANCE_WINDOW",
    "CLUSTER_DISRUPTION_BUDGET",
    "CLUSTER_DISRUPTION_BUDGET_MINOR_UPGRADE",
    "SYSTEM_CONFIG",
)
"""Reasons of a pause that pass by themselves."""
_KEPT = ("MAINTENANCE_EXCLUSION_NO_UPGRADES", "MAINTENANCE_EXCLUSION_NO_MINOR_UPGRADES")
_STATES = ("ACTIVE", "MINOR_UPGRADE_PAUSED", "UPGRADE_PAUSED")


def support_points(info: UpgradeInfo, now: datetime, warn: timedelta, *, extended: bool) -> Iterator[Point]:
    """When the support of the version ends; extended support counts on the channel of that name only."""
    ends = {"standard": info.end_of_standard_support, "extended": info.end_of_extended_support}
    counts = "extended" if extended else "standard"
    for which, end in ends.items():
        if end is not None:
            yield _end(which, end, now, warn if which == counts else None)
        elif which == counts:
            yield Point("info", f"Google does not say when {which} support ends")


def _end(which: str, end: datetime, now: datetime, warn: timedelta | None) -> Point:
    days, over = (end.date() - now.date()).days, end <= now
    support = f"support ended {counted(-days, 'day')} ago" if over else f"support ends in {counted(days, 'day')}"
    dated = f"{which} {support} ({end:%Y-%m-%d})"
    if warn is None or end - now > warn:
        return Point("info", dated)
    remedy = "upgrade it before Google does, at a time of your own"
    return Point("error" if over else "warning", dated, remedy, head=support)


def upgrade_points(info: UpgradeInfo | None, version: str, exclusions: Sequence[Exclusion]) -> Iterator[Point]:
    """The next version, whether it comes by itself, and how the last upgrade went."""
    if info is None:
        return
    targets = sorted({info.minor_target, info.patch_target} - {"", version})
    if targets:
        yield Point("info", f"Google's next version for it: {', '.join(targets)}")
    yield from _pauses(info, exclusions, due=bool(targets))
    for status in info.auto_upgrade:
        if status not in _STATES:
            yield Point("warning", f"auto-upgrade: not known ({status})", head="auto-upgrade not known")
    yield from _last(info.upgrades)


def _pauses(info: UpgradeInfo, exclusions: Sequence[Exclusion], *, due: bool) -> Iterator[Point]:
    for reason in info.paused:
        if reason in _WAITS:
            yield Point("info", f"upgrades wait: {reason}")
        elif reason in _KEPT:
            named = ", ".join(f"{each.name} {_until(each)}" for each in exclusions)
            says = f"upgrades blocked by {reason}" + (f" ({named})" if named else "")
            yield Point("warning" if due else "info", says, head="blocked by a maintenance exclusion" if due else "")
        else:
            yield Point("warning", f"upgrades paused, and why is not known ({reason})", head="paused, not known why")


def _until(exclusion: Exclusion) -> str:
    return f"until {exclusion.end:%Y-%m-%d %H:%M} UTC" if exclusion.end else "until the end of support"


def _last(upgrades: Sequence[Upgrade]) -> Iterator[Point]:
    if any(each.state == "RUNNING" for each in upgrades):
        to = ", ".join(each.to_version for each in upgrades if each.state == "RUNNING")
        yield Point("info", f"Google's upgrade to {to} is under way", head="upgrade under way")
        return
    ended = [(each.end, each.state, each.to_version) for each in upgrades if each.end is not None]
    if not ended:
        return
    when, state, to = max(ended)
    if state != "SUCCEEDED":
        says = f"the last upgrade, to {to}, ended {when:%Y-%m-%d %H:%M} UTC as {state}"
        yield Point("warning", says, head=f"last upgrade {state}")
