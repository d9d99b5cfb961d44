"""What a run is and how it stands: told from its files, locks and processes, whoever of the agent is alive."""

import os
import socket
import subprocess
import sys
import time

from . import copies, locks, paths, process_table, tags, uploads
from .clock import iso
from .errors import AgentError
from .jsonio import read_json, write_json

TAIL_BYTES = 1 << 16
LAST_LINE_CHARACTERS = 500
# How long an answer waits for the supervisor to look through the last checkpoints of a run that has just ended.
FINISH_WAIT_S = 3.0
_revived_at = {}


def load(run_id):
    """The facts fixed at the start and the state last written; raises not_found."""
    run = read_json(paths.run_dir(run_id) / "run.json")
    if run is None:
        raise AgentError("not_found", "there is no run %s on this instance" % run_id)
    return run


def all_ids():
    """Newest first, by this machine's clock at their start."""
    found = []
    with os.scandir(str(paths.runs_dir())) as entries:
        for entry in entries:
            try:
                paths.run_dir(entry.name)
                found.append((os.stat(os.path.join(entry.path, "request.json")).st_mtime_ns, entry.name))
            except (AgentError, OSError):
                continue
    return [name for _, name in sorted(found, reverse=True)]


def newest(project=None):
    """The id of the newest run (of the project), or None."""
    for run_id in all_ids():
        run = read_json(paths.run_dir(run_id) / "run.json")
        if run and project in (None, run["project"]):
            return run_id
    return None


def boot_id():
    """Differs after every start of the machine; a platform may set it."""
    given = os.environ.get("RUNCTL_BOOT_ID")
    if given:
        return given
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        shown = subprocess.run(["sysctl", "-n", "kern.boottime"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        return shown.decode("ascii", "replace").split("}")[0].strip()


def spawn(verb, folder, lock=None, log="supervisor.log"):
    """Starts this program in a session of its own, with none of the caller's streams but, perhaps, a lock that it is to hold."""
    # Isolated, so that the training's Python settings do not reach it.
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    command = [sys.executable, "-I", root, verb, str(folder)] + ([] if lock is None else [str(lock)])
    environment = {key: value for key, value in os.environb.items() if key != process_table.MARKER.encode()}
    errors = os.open(os.path.join(str(folder), log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env=environment, cwd="/", start_new_session=True, pass_fds=() if lock is None else (lock,),
        )
    finally:
        os.close(errors)


def ensure_supervisor(run_id):
    """Starts a supervisor where none is at work; at most every two seconds, should it not live."""
    ensure(paths.run_dir(run_id), "_supervise", "supervisor.lock")


def ensure_uploader(run_id):
    """The same for what copies the run's files to S3."""
    ensure(paths.run_dir(run_id), "_upload", "uploader.lock")


def ensure(folder, verb, lock_name, log="supervisor.log"):
    """The same for any process that there is one of in a folder."""
    if time.monotonic() - _revived_at.get((str(folder), verb), -9) < 2:
        return
    lock = locks.acquire(str(folder / lock_name), wait_s=0)
    if lock is not None:
        _revived_at[(str(folder), verb)] = time.monotonic()
        try:
            # It inherits the lock: there is no moment at which a second one could be started. Nobody waits for it.
            spawn(verb, folder, lock, log).returncode = 0
        finally:
            os.close(lock)


def write_hard(path, value):
    """Writes a state file; on a full disk the space kept back for this at the start is given up for it."""
    try:
        write_json(path, value)
    except OSError:
        try:
            os.unlink(os.path.join(os.path.dirname(str(path)), "reserve"))
        except OSError:
            pass
        write_json(path, value)


def _last_sign(folder):
    """When the run was last seen to do something; for ends that nobody saw."""
    times = [0.0]
    for name in ("main.json", "log", "checkpoints.json", "run.json"):
        try:
            times.append(os.stat(str(folder / name)).st_mtime)
        except OSError:
            pass
    return max(times)


def look(run):
    """Adds to the facts of a run how it stands now: state, reason, detail, exit_code, signal, started_at, ended_at, pid, main."""
    folder = paths.run_dir(run["run_id"])
    main = read_json(folder / "main.json")
    now = dict(run, main=main, pid=main["pid"] if main else None, started_at=main["started_at"] if main else None)
    if run["state"] == "stopped":
        return now
    end = read_json(folder / "exit.json")
    if end is None and (main or run)["boot_id"] != boot_id():
        return dict(now, state="stopped", reason="interrupted", ended_at=_last_sign(folder), detail="the machine was stopped or restarted")
    if end is None and main is None:
        return dict(now, state="stopping" if run["asked"] else "preparing")
    if end is None and process_table.is_alive(main["pid"], main["start_time"]):
        return dict(now, state="stopping" if run["asked"] else "running")
    if end is None:
        # In this order: a launcher that is gone has written what it will ever write.
        launched = locks.is_held(str(folder / "launcher.lock"))
        end = read_json(folder / "exit.json")
        if end is None and launched:
            return dict(now, state="stopping" if run["asked"] else "running", detail="the script has ended; how is being recorded")
    if end is None:
        end = {
            "exit_code": None, "signal": None, "ended_at": _last_sign(folder),
            "detail": "the script has ended; its exit status is lost, because the process that waited for it was killed",
        }
    asked = run["asked"]
    if asked:
        return dict(now, state="stopped", **dict(end, reason=asked["reason"], detail=end["detail"] or asked.get("detail")))
    return dict(now, state="stopped", reason="completed" if end["exit_code"] == 0 else "failed", **end)


def processes_of(run, table, main=None):
    """The live processes of the run in the table: below its launcher or main process, or marked with its id."""
    folder = paths.run_dir(run["run_id"])
    main = main or read_json(folder / "main.json")
    roots = []
    if main:
        known = {process["pid"]: process["start_time"] for process in table}
        same = (main["boot_id"] == boot_id())
        roots = [pid for pid, start in ((main["launcher_pid"], main["launcher_start_time"]), (main["pid"], main["start_time"]))
                 if same and known.get(pid) == start]
    supervisor = read_json(folder / "supervisor.lock")
    apart = {supervisor["pid"] if supervisor else None, os.getpid(), main["launcher_pid"] if roots else None}
    found = {process["pid"]: process for process in process_table.below(table, roots)}
    for process in table:
        if process["run_id"] == run["run_id"] or (roots and process["pid"] == main["pid"] in roots):
            found[process["pid"]] = process
    return [process for pid, process in found.items() if pid not in apart]


def status_of(run_id, table=None, revive=True):
    """The RunStatus. Where the run is active (or has just ended) without a supervisor, another one is started."""
    deadline = time.monotonic() + FINISH_WAIT_S
    while True:
        run = load(run_id)
        now = look(run)
        unfinished = run["state"] != "stopped"
        if revive and unfinished:
            ensure_supervisor(run_id)
        if not (revive and unfinished and now["state"] == "stopped") or time.monotonic() > deadline:
            break
        # It has ended; what it saved last is being looked through.
        time.sleep(0.03)
    return _as_status(now, process_table.scan() if table is None else table)


def _as_status(run, table):
    folder = paths.run_dir(run["run_id"])
    log_path = str(folder / "log")
    size, last_line, last_at = _last_log_line(log_path, run["state"] == "stopped")
    listed = recorded_checkpoints(run)
    complete = [one for one in listed if one["state"] == "complete"]
    return {
        "run_id": run["run_id"], "name": run["name"], "project": run["project"], "script": run["script"], "args": run["args"],
        "state": run["state"], "reason": run["reason"], "detail": run["detail"], "exit_code": run["exit_code"], "signal": run["signal"],
        "attempt": run["attempt"], "parent_run_id": run["parent_run_id"], "resume_from": run["resume_from"],
        "created_at": iso(run["created_at"]), "started_at": run["started_at"] and iso(run["started_at"]),
        "ended_at": run["ended_at"] and iso(run["ended_at"]), "pid": run["pid"],
        "processes_alive": len(processes_of(run, table, run["main"])),
        "project_dir": run["project_dir"], "checkpoint_dir": run["checkpoint_dir"], "output_dir": run["output_dir"],
        "log_path": log_path, "log_size_bytes": size, "last_log_line": last_line, "last_log_at": last_at,
        "checkpoint_count": len(listed),
        "last_checkpoint": copies.added(max(complete, key=lambda one: one["modified_at"])) if complete else None,
        "last_stored_checkpoint": _last_stored(run), "save_took_s": run.get("save_took_s"), "resume_alarm": run.get("resume_alarm"),
        "failed_code": run.get("failed_code"),
        "output_uri": uploads.prefix_of(run), "upload": uploads.state_of(run, run["state"] == "stopped"),
    }


def _last_stored(run):
    last = uploads.read(run["run_id"]).get("last_stored") if run.get("output") else None
    return last and dict(last, tags=tags.known().get(last["sha256"], []))


def recorded_checkpoints(run):
    """What the supervisor saw the run write, oldest first."""
    return (read_json(paths.run_dir(run["run_id"]) / "checkpoints.json") or {"checkpoints": []})["checkpoints"]


def with_place(checkpoint, run, previous=None):
    """The checkpoint as one of this run on this instance; the time of its verification stays that of the first one. `previous`: by path."""
    path = os.path.join(run["project_dir"], checkpoint["path"])
    where = os.environ.get("RUNCTL_INSTANCE_ID") or socket.gethostname()
    place = {"kind": "instance", "where": where, "path": path, "verified_at": None}
    if checkpoint["state"] == "complete":
        place["verified_at"] = iso(time.time())
        old = (previous or {}).get(checkpoint["path"])
        if old and old["sha256"] == checkpoint["sha256"] and old["places"]:
            place["verified_at"] = old["places"][0]["verified_at"] or place["verified_at"]
    return dict(checkpoint, run_id=run["run_id"], attempt=run["attempt"], places=[place])


def _last_log_line(path, ended):
    """(size, last line that is not blank, time of the last write), however large the log and its lines are."""
    try:
        with open(path, "rb") as file:
            info = os.fstat(file.fileno())
            file.seek(max(0, info.st_size - TAIL_BYTES))
            tail = file.read(TAIL_BYTES)
    except OSError:
        return 0, None, None
    if not tail:
        return 0, None, None
    if not ended and b"\n" in tail:
        tail = tail[:tail.rindex(b"\n")]
    # A progress bar writes over its line: what it showed last counts.
    for line in reversed(tail.replace(b"\r", b"\n").split(b"\n")):
        if line.strip():
            return info.st_size, line.decode("utf-8", "replace")[:LAST_LINE_CHARACTERS], iso(info.st_mtime)
    return info.st_size, None, iso(info.st_mtime)


def reports_of(run_id):
    """{request id: StopReport} of the last requests to save or stop."""
    return read_json(paths.run_dir(run_id) / "stop-report.json") or {}


def requests_of(run_id):
    """The requests to save or stop, oldest first, answered ones included."""
    return read_json(paths.run_dir(run_id) / "stop-request.json") or []
