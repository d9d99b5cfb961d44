"""The limits of this instance, `~/.runctl/limits.json`, and what the platform's watch reads of them, `~/.runctl/watch`."""

import os

from . import paths
from .jsonio import read_json, write_json

NAMES = ("max_seconds", "max_usd", "idle_s")
OVERRUN_S = 900
# The platform's watch strikes so long after the guard would have ended everything by force.
BEYOND_S = 60
# Without a limit for idleness: so long the guard may give no sign of life.
UNATTENDED_S = 3600
# The watch reads no number of more digits.
LONGEST_S = 999999999
_MOST = 1e12


def path(name):
    return paths.state_dir() / name


def number(value):
    """The value if it is a number that can be one of seconds or dollars, else None."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _MOST
    return value if usable else None


def read():
    """{set, overrun_s, price, access, ends_as, answered, installed}, or None where there are no limits.

    `set` counts from the machine's first boot. Where the file cannot be read, the last good copy is told, then what the platform's watch
    was told; `damaged` says what was wrong.
    """
    if not paths.has_limits():
        return None
    found = checked(read_json(path("limits.json")))
    if found and not found["damaged"]:
        return found
    copy = checked(read_json(path("limits.last.json")))
    if copy and not copy["damaged"]:
        return dict(copy, damaged="limits.json cannot be read; its last good copy holds")
    if found:
        return found
    known = _of_watch()
    return dict(checked({"set": known}), damaged="limits.json cannot be read, nor its copy; what the watch was told holds")


def none():
    return checked({"set": {}})


def checked(value):
    """The same with what is no number as none; None where there are no limits in it."""
    if not isinstance(value, dict) or not isinstance(value.get("set"), dict):
        return None
    access, answered = value.get("access"), value.get("answered")
    wrong = [name for name in NAMES if value["set"].get(name) is not None and number(value["set"][name]) is None]
    overrun = number(value.get("overrun_s"))
    return {
        "set": {name: number(value["set"].get(name)) for name in NAMES}, "overrun_s": OVERRUN_S if overrun is None else overrun,
        "price": price_of(value.get("price")),
        "access": access if isinstance(access, dict) and isinstance(access.get("region"), str) else None,
        "ends_as": value.get("ends_as") if value.get("ends_as") in ("stop", "terminate") else "stop",
        "answered": answered if isinstance(answered, list) else [], "installed": value.get("installed"),
        "damaged": "limits.json has no number for %s" % ", ".join(wrong) if wrong else None,
    }


def price_of(value):
    """The GuardPrice with what is no number as unknown, or None."""
    if not isinstance(value, dict):
        return None
    price = {name: number(value.get(name)) for name in ("usd_per_hour", "at_most_usd_per_hour", "storage_usd_per_hour")}
    spot = value.get("spot")
    whole = isinstance(spot, dict) and all(isinstance(spot.get(name), str) for name in ("instance_type", "zone"))
    return dict(price, spot=spot if whole else None)


def _of_watch():
    hard, unattended = (_watch_line() + ["-", "-"])[:2]
    return {
        "max_seconds": max(0, int(hard) - OVERRUN_S - BEYOND_S) if hard.isdigit() else None,
        "idle_s": int(unattended) if unattended.isdigit() and int(unattended) != UNATTENDED_S else None,
    }


def any_of(limits):
    return limits is not None and any(limits["set"][name] is not None for name in NAMES)


def write(limits):
    """Replaces the limits and their copy. OSError where the disk does not take them; then the old ones stay."""
    kept = {name: value for name, value in limits.items() if name != "damaged"}
    write_json(path("limits.json"), kept)
    write_json(path("limits.last.json"), kept)


def remove():
    """In this order: a copy alone would count as limits."""
    for name in ("limits.last.json", "limits.json"):
        try:
            path(name).unlink()
        except FileNotFoundError:
            pass


def _watch_line():
    try:
        with open(str(path("watch")), encoding="ascii", errors="replace") as file:
            return file.readline().split()
    except OSError:
        return []


def write_watch(hard_s, unattended_s, slack_s=0):
    """For the platform's watch; None is never. Left as it is where it is as good, by so many seconds."""
    shown = ["-" if value is None else str(min(LONGEST_S, int(value))) for value in (hard_s, unattended_s)]
    old = _watch_line()
    near = len(old) == 2 and old[0].isdigit() and shown[0].isdigit() and abs(int(old[0]) - int(shown[0])) <= slack_s
    if len(old) == 2 and old[1] == shown[1] and (old[0] == shown[0] or near):
        return
    temporary = str(path(".new-watch"))
    with open(temporary, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(" ".join(shown) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, str(path("watch")))


def unattended_s(limits):
    return UNATTENDED_S if limits["set"]["idle_s"] is None else max(1, limits["set"]["idle_s"])


def words(seconds):
    """`8 h`, `1.5 h`, `30 min`, `45 s`."""
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return "%s %s" % (("%.2f" % (seconds / unit_s)).rstrip("0").rstrip("."), unit)
    return "%d s" % seconds
