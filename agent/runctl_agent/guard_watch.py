"""`_guard`: keeps the limits of the machine, outlives runs and callers. At the end it asks the platform's watch to power the machine off."""

import json
import os
import signal
import time
import traceback

# All that is needed until the end is loaded now: this program's file may be replaced meanwhile.
from . import ec2_calls, guard_limits, guard_state, guard_stop, idleness, locks, run_state
from .clock import iso
from .jsonio import write_json

TICK_S = 5.0
WRITE_S = 10.0
# How often it is looked for signs of life, while there are some; less often than the limit is long in any case.
LOOK_S = 15.0
UNSEEN_S = 60.0
ASK_PRICE_S = 600.0
# The content of the file that asks for the power-off has its room on the disk from the beginning.
ROOM = 1024
TRIES = 5


def watch(_, lock):
    """`lock`: the descriptor that holds `guard.lock`."""
    locks.take_over(lock)
    # Shortened by tests alone, both.
    guard = Guard(ask_price_s=float(os.environ.get("RUNCTL_GUARD_PRICE_S") or ASK_PRICE_S))
    signal.signal(signal.SIGTERM, lambda *_: guard.shut_down())
    guard.work(float(os.environ.get("RUNCTL_GUARD_TICK_S") or TICK_S))


class Guard:
    def __init__(self, times=time, ask_price_s=ASK_PRICE_S):
        self._times, self._ask_price_s = times, ask_price_s
        self.meter = guard_state.Meter(times)
        self.signs = idleness.Signs()
        self.stop = guard_stop.GuardStop(self.meter, self.signs, self.log)
        self._fresh, self._said = True, set()
        self._written = self._wrote_s = self._asked_s = None

    def log(self, text):
        try:
            with open(str(guard_limits.path("guard.log")), "a", encoding="utf-8", errors="replace") as file:
                file.write("%s %s\n" % (iso(self._times.time()), text.rstrip()))
        except OSError:
            pass

    def say(self, text):
        """Logged once."""
        if text not in self._said:
            self._said.add(text)
            self.log(text)

    def shut_down(self):
        """The machine goes down: whatever was seen last is written."""
        try:
            self.meter.write()
        finally:
            os._exit(0)

    def work(self, tick_s):
        failures = 0
        while True:
            try:
                if self.turn():
                    return
                failures = 0
            except Exception:  # a limit must not fall with a bug elsewhere
                self.say(traceback.format_exc())
                failures += 1
                if failures % TRIES == 0:
                    # What it goes on from may be damaged.
                    self.meter.state.update(stop=None, put_off=None, sign_s=None, looked_s=None)
            time.sleep(tick_s)

    def turn(self):
        """One look at everything; True where nothing is left to do."""
        limits = guard_limits.read()
        if not guard_limits.any_of(limits):
            guard_limits.write_watch(None, None)
            return True
        if self._is_off():
            return True
        self._fresh = False
        self.meter.advance(limits)
        self._touch()
        self._mend(limits)
        self._ask_price(limits)
        self._look(limits)
        over = self._turn_stop(limits)
        self._publish(limits)
        if over:
            self._power_off(limits)
        self._flush(over)
        return over

    def _is_off(self):
        """The machine is being powered off, on this very boot. A file that was left from the last one is removed."""
        power_off = guard_limits.path("power-off")
        if power_off.exists() and self._fresh:
            last = self.meter.state.get("last_stop") or {}
            if last.get("boot") == run_state.boot_id():
                return True
            power_off.unlink()
        return False

    def _touch(self):
        path = str(guard_limits.path("guard-alive"))
        try:
            if os.path.exists(path):
                os.utime(path)
            else:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        except OSError as error:
            self.say("no sign of life can be given: %s" % error)
        room = str(guard_limits.path(".power-off"))
        if not os.path.exists(room):
            try:
                with open(room, "wb") as file:
                    os.fchmod(file.fileno(), 0o600)
                    file.write(b" " * ROOM)
            except OSError:
                pass

    def _mend(self, limits):
        """Damaged limits are said to be so, once, and written anew; the first ones of all get their copy."""
        if limits["damaged"] and limits["damaged"] not in self._said:
            self.say(limits["damaged"])
            self._tag(limits, {"runctl:guard": limits["damaged"]})
        if limits["damaged"] or not guard_limits.path("limits.last.json").exists():
            try:
                with locks.exclusive(str(guard_limits.path("limits.lock"))):
                    again = guard_limits.read()
                    if guard_limits.any_of(again):
                        guard_limits.write(again)
            except OSError as error:
                self.say("the limits cannot be written: %s" % error)

    def _ask_price(self, limits):
        spot = limits["price"] and limits["price"]["spot"]
        if not spot:
            return
        if limits["access"] and (self._asked_s is None or self.meter.used_s - self._asked_s >= self._ask_price_s):
            self._asked_s = self.meter.used_s
            try:
                price = ec2_calls.spot_price(limits["access"], spot)
                if price != self.meter.state["usd_per_hour"]:
                    self.log("the spot price is $%s an hour" % price)
                self.meter.learn(price)
            except OSError as error:
                self.say("the spot price cannot be asked for: %s" % error)
        if self.meter.reckons_with_most():
            self.say("the spot price has not been known for an hour: reckoning with $%s an hour at most" % limits["price"]["at_most_usd_per_hour"])

    def _look(self, limits):
        state, used_s = self.meter.state, self.meter.used_s
        looked_s = state["looked_s"]
        if looked_s is None or used_s - looked_s > UNSEEN_S or state["sign_s"] is None:
            # Nobody looked meanwhile: that is no idleness.
            looked_s, state["sign_s"] = None, used_s
        idle_s = limits["set"]["idle_s"]
        if looked_s is not None and used_s - looked_s < min(LOOK_S, LOOK_S if idle_s is None else idle_s / 4):
            return
        state["looked_s"] = used_s
        try:
            found = self.signs.look(idle_s is not None)
        except Exception:  # who cannot see does not judge; hours and dollars hold all the same
            self.say(traceback.format_exc())
            found = {"user"}
        if self.stop.is_asking():
            found &= {"user"}
        if found:
            state["sign_s"] = used_s

    def _due(self, limits):
        over, state, used_s = self.meter.over(limits), self.meter.state, self.meter.used_s
        if over and used_s >= state["grace_s"]:
            return over
        idle_s = limits["set"]["idle_s"]
        if idle_s is not None and used_s - state["sign_s"] >= idle_s:
            return "idle", "idle for %s" % guard_limits.words(idle_s), used_s
        if not over and not state["stop"]:
            state.update(put_off=None, grace_s=0.0)  # it was given more
        return None

    def _turn_stop(self, limits):
        due, stop = self._due(limits), self.meter.state["stop"]
        if stop and (due is None or (stop["reason"], due[0]) == ("budget", "idle")):
            self.stop.call_off()
            return False
        if due and not stop:
            self.meter.state["put_off"] = None
            self.stop.begin(limits, *due)
        return bool(due) and self.stop.turn(limits)

    def _publish(self, limits):
        """For the platform's watch, and for who looks at the tags."""
        try:
            guard_limits.write_watch(self.meter.hard_s(limits), guard_limits.unattended_s(limits), slack_s=30)
        except OSError as error:
            self.say("the watch's file cannot be written: %s" % error)
        state, put_off = self.meter.state, self.meter.state["put_off"]
        shown = put_off and [put_off["since"], put_off["why"]]
        if shown != state.get("shown"):
            state["shown"] = shown
            if put_off:
                text = "a stop is put off, until %sZ at the latest: %s" % (self.meter.moment(put_off["until_s"])[:16], put_off["why"])
            else:
                text = "%s at %sZ" % ("began to save and stop itself" if state["stop"] else "a stop was called off", iso(self._times.time())[:16])
            self._tag(limits, {"runctl:guard": text})

    def _power_off(self, limits):
        state, at = self.meter.state, iso(self._times.time())
        reason, detail = state["stop"]["reason"], self.stop.outcome()
        state["last_stop"] = {"at": at, "reason": reason, "detail": detail, "boot": run_state.boot_id()}
        state["put_off"] = None
        self.log("powering off (%s): %s" % (reason, detail))
        self._flush(True)
        try:
            # The next boot has its time to be given more.
            least_s = self.meter.used_s + guard_state.BOOT_GRACE_S + limits["overrun_s"] + guard_limits.BEYOND_S
            hard_s = self.meter.hard_s(limits)
            if hard_s is not None and reason == "budget":
                guard_limits.write_watch(max(hard_s, least_s), guard_limits.unattended_s(limits))
        except OSError:
            pass
        self._tag(limits, {"runctl:state-reason": reason, "runctl:guard": "stopped itself at %sZ: %s" % (at[:16], detail)})
        path, room = str(guard_limits.path("power-off")), str(guard_limits.path(".power-off"))
        content = {"reason": reason, "detail": detail[:400], "at": at}
        try:
            write_json(path, content)
        except OSError:
            with open(room, "r+b") as file:
                file.write(json.dumps(content).encode("ascii")[:ROOM].ljust(ROOM))
            os.replace(room, path)

    def _tag(self, limits, tags):
        if limits["access"]:
            try:
                ec2_calls.tag_self(limits["access"], tags)
            except OSError as error:
                self.say("the tags cannot be written: %s" % error)

    def _flush(self, now):
        used_s, events = self.meter.used_s if self.meter.state else 0, self._events()
        if self.meter.state and (now or events != self._written or self._wrote_s is None or used_s - self._wrote_s >= WRITE_S):
            self._wrote_s = used_s
            try:
                self.meter.write()
                self._written = events
            except OSError as error:
                self._written = events  # tried again with the next turn that is due
                self.say("what is used up cannot be written down, and is counted in memory: %s" % error)

    def _events(self):
        state = self.meter.state
        return json.dumps([state.get(name) for name in ("boot", "stop", "put_off", "last_stop", "price", "grace_s")], sort_keys=True)
