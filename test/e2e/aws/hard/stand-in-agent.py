"""Answers in the agent's place where sixty instances are to train at once on one computer: it runs no script, and notes in ~/starts what it was to start.

A run has ended well as soon as it is started. One file a run, ~/runs/RUN-ID, keeps a second delivery of a start from being a second run.
"""
import base64
import json
import os
import sys
import time
import zlib

HOME = os.environ["HOME"]
LOG = b"trained\n"


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def path_of(run_id):
    return os.path.join(HOME, "runs", run_id)


def read(run_id):
    with open(path_of(run_id)) as file:
        return json.load(file)


def newest_first():
    folder = os.path.join(HOME, "runs")
    return sorted(os.listdir(folder), reverse=True) if os.path.isdir(folder) else []


def new_run(request):
    project = os.path.join(HOME, "projects", request["project"])
    known = {"run_id": request["run_id"], "name": request["name"], "project": request["project"], "script": request["script"], "args": request["args"]}
    ended = {"state": "stopped", "reason": "completed", "exit_code": 0, "attempt": 1, "created_at": now(), "started_at": now(), "ended_at": now()}
    places = {"project_dir": project, "checkpoint_dir": project + "/checkpoints", "output_dir": project + "/outputs", "log_path": path_of(request["run_id"])}
    log = {"log_size_bytes": len(LOG), "last_log_line": LOG.decode().strip(), "last_log_at": now()}
    none = ["detail", "signal", "parent_run_id", "resume_from", "pid", "last_checkpoint", "last_stored_checkpoint", "save_took_s", "resume_alarm", "output_uri", "upload"]
    return {**known, **ended, **places, **log, "processes_alive": 0, "checkpoint_count": 0, **dict.fromkeys(none)}


def start(request):
    run_id = request["run_id"]
    os.makedirs(os.path.join(HOME, "runs"), exist_ok=True)
    try:
        file = open(path_of(run_id), "x")
    except FileExistsError:
        pass
    else:
        with file:
            json.dump(new_run(request), file)
        with open(os.path.join(HOME, "starts"), "a") as starts:
            starts.write(" ".join([run_id] + request["args"]) + "\n")
    sync = request["sync"]
    done = {"applied": True, "need": None, "files_written": 1, "files_removed": 0, "kept_modified": [], "dir": HOME}
    return {"run": read(run_id), "sync": sync and {**done, "tree": sync["tree"]}, "resume_skipped": []}


def status(request):
    ids = newest_first() if request.get("all") else [request["run_id"]] if request.get("run_id") else newest_first()[:1]
    return {"runs": [read(run_id) for run_id in ids[: request.get("limit") or None]], "boot_id": "one", "now": now()}


def logs(request):
    run = read(request.get("run_id") or newest_first()[0])
    offset = request.get("offset", 0)
    data = base64.b64encode(zlib.compress(LOG[offset:])).decode()
    return {"run_id": run["run_id"], "offset": offset, "next_offset": len(LOG), "size": len(LOG), "data": data, "end": True, "run": run}


def stop(_request):
    run = read(newest_first()[0]) if newest_first() else None
    last = run and {"run_id": run["run_id"], "project": run["project"], "checkpoint": None}
    return {"done": True, "ok": True, "reports": [], "only_here": [], "last": last}


print(json.dumps({"start": start, "status": status, "logs": logs, "stop": stop}[sys.argv[1]](json.loads(sys.stdin.buffer.readline()))))
