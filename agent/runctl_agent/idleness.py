"""Signs that the machine is of use to somebody. docs/limits.md says what counts."""

import os

from . import guard_limits, paths, process_table, processes, run_state, uploads
from .errors import AgentError
from .jsonio import read_json

GPU_PERCENT = 5
# Whoever came in by one of these is there as long as something of theirs runs below it.
WAYS_IN = ("sshd", "login", "mosh-server")
# A session of the Session Manager; the name as the kernel cuts it off.
SESSION = "ssm-session-wor"


class Signs:
    """What has changed since the last look."""

    def __init__(self):
        self._seen, self._ended = {}, set()

    def look(self, gpu):
        """A set of `user` (came by, or is logged in), `run` (a run went on), `upload`, `gpu` (asked for only if wanted, and nothing else was found)."""
        found = set()
        if self._is_other("sign", _stamp(guard_limits.path("sign"))) or _is_somebody_in():
            found.add("user")
        # All are looked at, so that the next look compares with this one.
        if [run_id for run_id in self.active_runs() if self._is_other(run_id, _trace(run_id))]:
            found.add("run")
        if [run_id for run_id in uploads.marked() if self._is_other("upload " + run_id, _upload_trace(run_id)) and not uploads.read(run_id).get("error")]:
            found.add("upload")
        if gpu and not found and _is_gpu_busy():
            found.add("gpu")
        return found

    def active_runs(self):
        found = []
        for run_id in run_state.all_ids():
            if run_id not in self._ended:
                try:
                    run = run_state.load(run_id)
                except AgentError:
                    continue
                if run_state.look(run)["state"] != "stopped":
                    found.append(run_id)
                elif run["state"] == "stopped":
                    self._ended.add(run_id)
        return found

    def _is_other(self, key, trace):
        """What is seen for the first time is other too."""
        known = self._seen.get(key, self)
        self._seen[key] = trace
        return known != trace


def _stamp(path):
    try:
        info = os.stat(str(path))
        return info.st_mtime_ns, info.st_size
    except OSError:
        return None


def _trace(run_id):
    folder = paths.run_dir(run_id)
    listed = (read_json(folder / "checkpoints.json") or {}).get("checkpoints") or []
    return _stamp(folder / "log"), [(one["path"], one["sha256"], one["modified_at"]) for one in listed[-3:]], len(listed)


def _upload_trace(run_id):
    return _stamp(paths.run_dir(run_id) / "uploads.json")


def _is_somebody_in():
    if "RUNCTL_BOOT_AT" in os.environ:
        return False  # an instance that is not the whole machine: whoever is in may be there for something else
    table = process_table.scan()
    if any(process["name"].startswith(SESSION) for process in table):
        return True
    doors = [process["pid"] for process in table if process["name"].startswith(WAYS_IN)]
    # What sshd starts of itself for each connection is nobody yet.
    return any(not process["name"].startswith(WAYS_IN) for process in process_table.below(table, doors))


def _is_gpu_busy():
    return any((gpu["utilization_percent"] or 0) > GPU_PERCENT for gpu in processes.gpus() or ())
