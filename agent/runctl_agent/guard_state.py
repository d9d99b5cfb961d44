"""What the machine has used up: seconds of running over all its starts, dollars. `~/.runctl/guard-state.json`.

Counted by the monotonic clock from each boot on; the wall clock is only shown, and tells how long the machine was off between two boots.
"""

import os
import re
import subprocess
import time

from . import clock, guard_limits, paths, process_table, run_state
from .jsonio import read_json, write_json

# As the platform's watch counts them, where it leaves them to be read.
WATCH_USED = "/var/lib/runctl/used"
# A price that was asked for is as good as that; then the most that it can be counts.
PRICE_S = 3600.0
COPY_S = 60.0
# After a start with limits that are used up: so long there is to give it more.
BOOT_GRACE_S = 600.0
LEAST_BILLED_S = 60.0
_NUMBERS = ("anchor", "boot_s", "before_s", "wall")
_LATER = ("usd", "usd_per_hour", "price_s", "sign_s", "looked_s", "grace_s")


class Meter:
    """`state` is what stands in the file; `advance` brings it up to now. `times`: what has `monotonic()` and `time()`."""

    def __init__(self, times=None):
        self._times, self._copied = times or time, None
        self.state = _load()

    @property
    def used_s(self):
        return self.state["before_s"] + self.state["boot_s"]

    @property
    def usd(self):
        return self.state["usd"]

    def advance(self, limits):
        """`limits`: as guard_limits.read() gives them."""
        price = limits and limits["price"]
        state, now, wall = self.state, self._times.monotonic(), self._times.time()
        is_new = state.get("boot") != run_state.boot_id()
        if is_new:
            self._begin_boot(now, wall)
        before_s, state["wall"] = state["boot_s"], wall
        state["boot_s"] = max(before_s, now - state["anchor"])
        self._add(state["boot_s"] - before_s, self.rate())
        if price != state.get("price"):
            state.update(price=price, usd_per_hour=price and price["usd_per_hour"], price_s=self.used_s)
        if state["usd"] is None and self.rate() is not None:
            state["usd"] = 0.0
            self._add(self.used_s, self.rate())
        if is_new and limits and state["before_s"] and self.over(limits):
            state["grace_s"] = self.used_s + BOOT_GRACE_S
            state["put_off"] = {
                "since": self.moment(self.used_s), "until_s": state["grace_s"],
                "why": "it was started again with its limits used up; extend them, or it stops itself again"}

    def _begin_boot(self, now, wall):
        old, age_s = dict(self.state), _boot_age_s(self._times)
        before_s = old.get("before_s", 0.0) + old.get("boot_s", 0.0)
        by_watch = watch_used_s()
        if by_watch is not None:
            before_s = max(before_s, by_watch - age_s)
        self.state.clear()
        self.state.update(
            boot=run_state.boot_id(), anchor=now - age_s, boot_s=0.0, before_s=before_s, usd=old.get("usd"), wall=wall, price=old.get("price"),
            usd_per_hour=old.get("usd_per_hour"), price_s=old.get("price_s"), last_stop=old.get("last_stop"), sign_s=None, looked_s=None,
            grace_s=0.0, put_off=None, stop=None)
        if old.get("usd") is not None:
            self._add(max(0.0, LEAST_BILLED_S - old["boot_s"]), self.rate())
            # Its disks were paid for while it was off.
            self.state["usd"] += max(0.0, wall - age_s - old["wall"]) * self._storage() / 3600

    def _add(self, seconds, rate):
        if self.state["usd"] is not None and rate is not None:
            self.state["usd"] += max(0.0, seconds) * rate / 3600

    def _storage(self):
        return (self.state.get("price") or {}).get("storage_usd_per_hour") or 0.0

    def rate(self):
        """US dollars an hour, disks included; None where unknown."""
        known, price = self.state.get("usd_per_hour"), self.state.get("price")
        if known is None or price is None:
            return None
        if self.reckons_with_most() and price["at_most_usd_per_hour"] is not None:
            known = max(known, price["at_most_usd_per_hour"])
        return known + self._storage()

    def reckons_with_most(self):
        price = self.state.get("price")
        return bool(price and price["spot"]) and self.used_s - self.state["price_s"] > PRICE_S

    def learn(self, usd_per_hour):
        """The price in force now, from who sets it."""
        self.state.update(usd_per_hour=usd_per_hour, price_s=self.used_s)

    def over(self, limits):
        """(reason, detail, used seconds when it was due) of what is used up, or None."""
        wanted = limits["set"]
        if wanted["max_seconds"] is not None and self.used_s >= wanted["max_seconds"]:
            detail = "its limit of %s of running was reached" % guard_limits.words(wanted["max_seconds"])
            return "budget", detail, max(wanted["max_seconds"], self.state["grace_s"])
        if wanted["max_usd"] is not None and self.usd is not None and self.usd >= wanted["max_usd"]:
            return "budget", "its limit of $%.2f was reached" % wanted["max_usd"], self.used_s
        return None

    def left_s(self, limits):
        """[(seconds left, `hours` or `dollars`)], the shorter first, at the present price."""
        found, wanted = [], limits["set"]
        if wanted["max_seconds"] is not None:
            found.append((wanted["max_seconds"] - self.used_s, "hours"))
        if wanted["max_usd"] is not None and self.rate():
            found.append(((wanted["max_usd"] - self.usd) / self.rate() * 3600, "dollars"))
        return sorted(found)

    def hard_s(self, limits):
        """Used seconds at which the platform's own watch is to strike, as that counts them; None: never."""
        wanted, found, price = limits["set"], [], self.state.get("price")
        if wanted["max_seconds"] is not None:
            found.append(wanted["max_seconds"])
        if wanted["max_usd"] is not None and self.rate():
            most = max(self.rate(), (price["at_most_usd_per_hour"] or 0.0) + self._storage())
            found.append(self.used_s + max(0.0, wanted["max_usd"] - self.usd) / most * 3600)
        if not found:
            return None
        if self.state["stop"]:
            found.append(self.state["stop"].get("due_s", self.used_s))
        hard_s = max(min(found), self.state["grace_s"] if self.over(limits) else 0.0) + limits["overrun_s"] + guard_limits.BEYOND_S
        by_watch = watch_used_s()
        # It may have been set up long after the first boot.
        apart_s = 0.0 if by_watch is None else by_watch - self.used_s
        return max(0.0, hard_s + apart_s) if abs(apart_s) > 120 else hard_s

    def moment(self, used_s):
        """The wall clock's time, ISO 8601, at which so much will be (or was) used."""
        return clock.iso(min(4e9, max(0.0, self._times.time() + used_s - self.used_s)))

    def write(self):
        """OSError where the disk does not take it: what is in memory counts on."""
        write_json(guard_limits.path("guard-state.json"), self.state)
        now = self._times.monotonic()
        if self._copied is None or now - self._copied >= COPY_S:
            self._copied = now
            write_json(guard_limits.path("guard-state.last.json"), self.state)


def _load():
    for name in ("guard-state.json", "guard-state.last.json"):
        found = read_json(guard_limits.path(name))
        if isinstance(found, dict) and isinstance(found.get("boot"), str) and all(isinstance(found.get(key), (int, float)) for key in _NUMBERS):
            for key in _LATER:
                found[key] = guard_limits.number(found.get(key))
            put_off, last = found.get("put_off"), found.get("last_stop")
            return dict(
                found, price=guard_limits.price_of(found.get("price")), price_s=found["price_s"] or 0.0, grace_s=found["grace_s"] or 0.0,
                stop=found.get("stop") if isinstance(found.get("stop"), dict) else None,
                put_off=put_off if _has(put_off, "since", "why") and guard_limits.number(put_off.get("until_s")) is not None else None,
                last_stop=last if _has(last, "at", "reason", "detail") else None)
    return {}


def _has(value, *names):
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in names)


def watch_used_s():
    if "RUNCTL_BOOT_AT" in os.environ:
        return None  # an instance that is not the whole machine
    match = re.match(rb"\s*(\d{1,11})\b", process_table.read_or_nothing(WATCH_USED))
    return int(match.group(1)) if match else None


def _boot_age_s(times):
    """How long the machine has run since its boot."""
    given = clock.seconds(os.environ.get("RUNCTL_BOOT_AT"))
    if given is not None:
        return max(0.0, times.time() - given)
    up = process_table.read_or_nothing("/proc/uptime").split()
    _, fields = process_table.stat_of(1)
    if up and len(fields) >= 22:
        # The age of process 1: also right where the kernel is older than the machine (a container).
        return max(0.0, float(up[0]) - int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    shown = subprocess.run(["sysctl", "-n", "kern.boottime"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    match = re.search(rb"sec = (\d+)", shown)
    return max(0.0, times.time() - int(match.group(1))) if match else times.monotonic()
