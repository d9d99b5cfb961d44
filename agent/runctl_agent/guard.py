"""The verb `guard`: sets and tells the limits that the machine keeps by itself."""

import hashlib
import os
import signal
import subprocess
import tempfile

from . import clock, guard_limits, guard_state, locks, paths, run_state
from .errors import AgentError

INSTALL_S = 60
KEPT_ANSWERED = 20
# Those who only look: a monitor that somebody forgot in a window keeps no machine running.
LOOKS = ("status", "logs", "processes", "checkpoints", "guard", "record-copy", "probe-store")


def guard(request):
    """The limits as they are then. AgentError where they cannot be kept: then nothing was changed."""
    with locks.exclusive(str(guard_limits.path("limits.lock"))):
        limits, meter = guard_limits.read(), guard_state.Meter()
        meter.advance(limits)
        if request["request_id"] not in (limits or {"answered": []})["answered"]:
            wanted = _changed(request, limits, meter)
            if wanted:
                _keep(request, wanted, meter)
                limits = wanted if guard_limits.any_of(wanted) else None
    if guard_limits.any_of(limits):
        ensure()
    return _answer(limits, meter)


def of_instance():
    """The limits for an answer that is about something else; None where there are none."""
    limits = guard_limits.read()
    if not guard_limits.any_of(limits):
        return None
    meter = guard_state.Meter()
    meter.advance(limits)
    return _answer(limits, meter)


def go_on(verb):
    """With every call where there are limits: the guard is there, and knows that somebody came by."""
    try:
        if verb not in LOOKS:
            with open(str(guard_limits.path("sign")), "a"):
                pass
            os.utime(str(guard_limits.path("sign")))
    except OSError:
        pass
    try:
        ensure()
    except Exception:  # a full disk, say: the verb that came by is answered all the same
        pass


def ensure():
    run_state.ensure(paths.state_dir(), "_guard", "guard.lock", "guard.log")


def _changed(request, limits, meter):
    """The limits as wanted; None where the request changes nothing."""
    new = dict(limits or guard_limits.none())
    new["set"] = dict(new["set"])
    for name in ("overrun_s", "ends_as", "access"):
        if request.get(name) is not None:
            new[name] = request[name]
    price = request.get("price")
    # Who does not know the price does not make it unknown.
    if price is not None and (price.get("usd_per_hour") is not None or new["price"] is None):
        new["price"] = price
        meter.advance(guard_limits.checked(dict(new, set={})))
    spent = {"max_seconds": meter.used_s, "max_usd": meter.usd, "idle_s": 0}
    unset = request.get("only_unset") or ()
    for name, value in (request.get("set") or {}).items():
        if name not in guard_limits.NAMES or value is not None and guard_limits.number(value) is None:
            raise AgentError("bad_input", "%r is no value for a limit of %s" % (value, name))
        if (unset is True or name in unset) and new["set"][name] is not None:
            continue
        if value is not None and spent[name] is None:
            raise AgentError("wrong_state", "a limit in dollars cannot be kept: what the machine costs is not known")
        new["set"][name] = None if value is None else spent[name] + value
    for key, name in (("seconds", "max_seconds"), ("usd", "max_usd")):
        more = (request.get("extend") or {}).get(key)
        if more is None:
            continue
        if guard_limits.number(more) is None:
            raise AgentError("bad_input", "%r is no amount to extend a limit by" % (more,))
        if new["set"][name] is None:
            raise AgentError("wrong_state", "there is no limit in %s to extend" % ("hours" if name == "max_seconds" else "dollars"))
        # One that is over already is extended from now on, or it would not help.
        new["set"][name] = max(new["set"][name], spent[name] or 0) + more
    new = guard_limits.checked(new)
    if new["set"]["max_usd"] is not None and meter.rate() is None:
        raise AgentError("wrong_state", "a limit in dollars cannot be kept: what the machine costs is not known")
    same = limits is not None and all(new[name] == limits[name] for name in new if name not in ("answered", "damaged"))
    if (same and _digest(request) in (None, limits["installed"])) or (limits is None and not guard_limits.any_of(new)):
        return None
    return new


def _keep(request, wanted, meter):
    if not guard_limits.any_of(wanted):
        guard_limits.write(wanted)
        guard_limits.write_watch(None, None)
        guard_limits.remove()
        return
    wanted["answered"] = (wanted["answered"] + [request["request_id"]])[-KEPT_ANSWERED:]
    digest = _digest(request)
    if digest not in (None, wanted["installed"]):
        _install(request["install"])
        wanted["installed"] = digest
    # First the watch: a full disk refuses the change before anything of it holds.
    guard_limits.write_watch(meter.hard_s(wanted), guard_limits.unattended_s(wanted))
    guard_limits.write(wanted)
    _take_back_power_off(wanted, meter)


def _digest(request):
    return hashlib.sha256(request["install"].encode("utf-8", "surrogatepass")).hexdigest() if request.get("install") else None


def _take_back_power_off(wanted, meter):
    """It was about to go; with more time it need not, if this still comes in time."""
    left = meter.left_s(wanted)
    if not left or left[0][0] > 0:
        try:
            guard_limits.path("power-off").unlink()
        except FileNotFoundError:
            pass


def _install(script):
    """In a session of its own, its output into a file: what it leaves running holds nothing of ours."""
    try:
        errors = tempfile.TemporaryFile()
    except OSError:
        errors = open(os.devnull, "w+b")
    with errors:
        child = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, cwd=str(paths.home()), start_new_session=True)
        try:
            status = child.wait(INSTALL_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise AgentError("wrong_state", "what keeps limits on the machine could not be set up within %d s" % INSTALL_S)
        errors.seek(0)
        said = errors.read(4096).decode("utf-8", "replace").strip()
    if status != 0:
        raise AgentError("wrong_state", "limits cannot be kept on this machine: %s" % (said or "their set-up ended with status %d" % status))


def _answer(limits, meter):
    state = meter.state
    answer = dict({name: None for name in guard_limits.NAMES}, **(limits or {"set": {}})["set"])
    put_off, last, since_s = state["put_off"], state["last_stop"], None
    if put_off and not (state["stop"] or {}).get("reason") == "idle" and not (limits and meter.over(limits)):
        put_off = None  # it was just given more
    left = meter.left_s(limits) if limits else []
    if answer["idle_s"] is not None and state["sign_s"] is not None and meter.used_s - state["sign_s"] >= min(60, answer["idle_s"] / 2):
        since_s = state["sign_s"]
    stops_s = put_off["until_s"] if put_off else meter.used_s + max(0.0, left[0][0]) if left else None
    answer.update(
        used_seconds=round(meter.used_s, 3), used_usd=None if meter.usd is None else round(meter.usd, 6),
        stops_at=meter.moment(stops_s) if left else None, stops_because=left[0][1] if left else None,
        idle_since=None if since_s is None else meter.moment(since_s),
        put_off=put_off and {"since": put_off["since"], "until": meter.moment(put_off["until_s"]), "why": put_off["why"]},
        last_stop=last and {name: last[name] for name in ("at", "reason", "detail")})
    return answer
