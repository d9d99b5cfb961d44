"""The processes of this machine. A process is itself by pid and start time together: pids come back."""

import os
import re
import signal
import subprocess

MARKER = "RUNCTL_RUN_ID"
_MARKER_BYTES = MARKER.encode() + b"="


def scan():
    """All live processes (no zombies): {pid, ppid, pgid, start_time, name, run_id}.

    `run_id` is what stands in the environment, None where there is nothing or that cannot be read.
    """
    return _scan_proc() if os.path.exists("/proc/self/stat") else _scan_ps()


def _scan_proc():
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            process = _read_stat(int(entry))
            if process:
                process["run_id"] = _read_marker(entry)
                found.append(process)
    return found


def read_or_nothing(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def stat_of(pid):
    """(what stands before the end of the name, the fields after it) of /proc/<pid>/stat; no fields where there is no such process."""
    # The name is in parentheses and may itself hold parentheses and spaces.
    head, _, tail = read_or_nothing("/proc/%d/stat" % pid).rpartition(b")")
    return head, tail.split()


def _read_stat(pid):
    head, fields = stat_of(pid)
    if len(fields) < 22 or fields[0] in (b"Z", b"X", b"x"):
        return None
    name = head.partition(b"(")[2].decode("utf-8", "replace")
    return {"pid": pid, "ppid": int(fields[1]), "pgid": int(fields[2]), "start_time": fields[19].decode(), "name": name}


def _read_marker(pid):
    data = read_or_nothing("/proc/%s/environ" % pid)
    if _MARKER_BYTES in data:
        for item in data.split(b"\0"):
            if item.startswith(_MARKER_BYTES):
                return item[len(_MARKER_BYTES):].decode("utf-8", "replace")
    return None


_PS_LINE = re.compile(r"\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w+ +\w+ +\d+ +[\d:]+ +\d+) (.*)")


def _scan_ps(pid=None):
    which = ["-p", str(pid)] if pid else ["ax"]
    columns = [part for name in ("pid", "ppid", "pgid", "stat", "lstart", "command") for part in ("-o", name + "=")]
    # `e` shows the environment after the command, as far as the system lets us see it.
    command = ["ps", "eww"] + which + columns if not pid else ["ps"] + which + columns
    environment = dict(os.environ, LC_ALL="C")
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment).stdout.decode("utf-8", "replace")
    found = []
    for line in output.splitlines():
        match = _PS_LINE.match(line)
        if match and not match.group(4).startswith("Z"):
            words = match.group(6).split()
            marks = [word[len(MARKER) + 1:] for word in words if word.startswith(MARKER + "=")]
            found.append({
                "pid": int(match.group(1)), "ppid": int(match.group(2)), "pgid": int(match.group(3)), "start_time": match.group(5),
                "name": os.path.basename(words[0]) if words else "", "run_id": marks[0] if marks else None,
            })
    return found


def find(pid):
    """The live process with this pid, without its run id, or None."""
    if os.path.exists("/proc/self/stat"):
        return _read_stat(pid)
    return next(iter(_scan_ps(pid)), None)


def is_alive(pid, start_time):
    process = find(pid) if pid else None
    return process is not None and process["start_time"] == start_time


def catches_sigterm(pid):
    """Whether the process has a handler for SIGTERM; False where that cannot be known."""
    match = re.search(rb"^SigCgt:\s*([0-9a-f]+)", read_or_nothing("/proc/%d/status" % pid), re.M)
    return bool(match and int(match.group(1), 16) >> (signal.SIGTERM - 1) & 1)


def send(process, number):
    """Signals the process if it is still the same one; False where it is gone or not ours."""
    if not is_alive(process["pid"], process["start_time"]):
        return False
    try:
        os.kill(process["pid"], number)
        return True
    except OSError:
        return False


def below(table, roots):
    """The processes that descend from these pids (not the roots themselves)."""
    children = {}
    for process in table:
        children.setdefault(process["ppid"], []).append(process)
    found, unseen = {}, list(roots)
    while unseen:
        for process in children.get(unseen.pop(), ()):
            if process["pid"] not in found:
                found[process["pid"]] = process
                unseen.append(process["pid"])
    return list(found.values())
