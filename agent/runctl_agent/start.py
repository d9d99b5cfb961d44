"""The verb `start`: checks everything, lays down the run's folder, leaves a supervisor behind."""

import contextlib
import os
import tempfile
import time

from . import dependencies, format_plugins, locks, paths, resume, run_state, s3_uri
from .errors import AgentError
from .jsonio import write_json

RESERVE_BYTES = 64 * 1024
BEGUN = ("running", "stopping", "stopped")


def start(request, stream):
    answer = _start(request, stream)
    if paths.has_limits():
        from . import guard
        answer["guard"] = guard.of_instance()
    if answer["run"] and request.get("wait_s"):
        from . import status
        # Without the lock, which the next start wants.
        answer["run"] = status.wait_for(request["run_id"], request["wait_s"], BEGUN)
    return answer


def _start(request, stream):
    run_id, project = request["run_id"], request["project"]
    folder = paths.run_dir(run_id)
    project_dir = paths.project_dir(project)
    _check_plain(request)
    # Held over everything: of two starts at the same moment the second finds the run of the first.
    with locks.exclusive(str(paths.made("locks") / (project + ".lock"))):
        if folder.exists():
            return {"run": run_state.status_of(run_id), "sync": None, "resume_skipped": []}
        active = _active_run(str(project_dir))
        if active and not request["concurrent"]:
            run_state.ensure_supervisor(active)
            raise AgentError("run_active", "run %s is active in this project folder" % active, {"run_id": active})
        synced = None
        if request["sync"] is not None:
            from . import sync
            synced = sync.apply_sync(request["sync"], stream)
            if synced["need"] is not None:
                return {"run": None, "sync": synced, "resume_skipped": []}
        run, command, skipped = _plan(request, str(project_dir), active)
        if request.get("guard"):
            from . import guard
            try:
                guard.guard(request["guard"])
            except AgentError as error:
                raise AgentError(error.code, error.message, dict(error.details, limits=True))
        _lay_down(folder, request, run, command)
        run_state.ensure_supervisor(run_id)
    return {"run": run_state.status_of(run_id, revive=False), "sync": synced, "resume_skipped": skipped}


def _check_plain(request):
    """What the operating system could not take, or would take for something else."""
    script = request["script"]
    values = [script, request["checkpoint_dir"], request["output_dir"]] + list(request["args"])
    values += list(request["env"]) + list(request["env"].values())
    values += [request[key] for key in ("python", "data", "resume", "resume_argument") if request.get(key) is not None]
    for value in values:
        try:
            usable = b"\0" not in value.encode("utf-8", "surrogateescape")
        except (AttributeError, UnicodeError):
            usable = False
        if not usable:
            raise AgentError("bad_input", "%r cannot be given to a program" % (value,))
    parts = script.split("/")
    if not script or script.startswith("/") or ".." in parts:
        raise AgentError("bad_input", "the script %r is not a path inside the project folder" % script)
    for name in request["env"]:
        if not name or "=" in name:
            raise AgentError("bad_input", "%r is not a name of an environment variable" % name)


def _active_run(project_dir):
    for run_id in run_state.all_ids():
        with contextlib.suppress(AgentError):
            run = run_state.load(run_id)
            if run["project_dir"] == project_dir and run_state.look(run)["state"] != "stopped":
                return run_id
    return None


def _plan(request, project_dir, active):
    """(run.json, command.json, checkpoints passed over); raises before anything has been changed."""
    if not os.path.isdir(project_dir):
        raise AgentError("not_found", "there is no project folder %s on the instance" % project_dir)
    script = request["script"]
    script_path = os.path.join(os.fsencode(project_dir), script.encode("utf-8", "surrogateescape"))
    if not os.path.isfile(script_path):
        raise AgentError("not_found", "there is no script %s in the project folder" % script)
    choice = dependencies.choose(script, project_dir, request["python"])
    checkpoint_dir = os.path.normpath(os.path.join(project_dir, request["checkpoint_dir"]))
    output_dir = os.path.normpath(os.path.join(project_dir, request["output_dir"]))
    data_dir = _data_dir(request["data"], request.get("data_source"))
    output = request.get("output")
    if output:
        s3_uri.parse_uri(output["uri"])
    plugins = format_plugins.kept(request.get("formats"))
    candidates, skipped = resume.choose(request, project_dir, checkpoint_dir, active is None, plugins)
    for made in (checkpoint_dir, output_dir):
        try:
            os.makedirs(made, exist_ok=True)
        except OSError as error:
            raise AgentError("bad_input", "the folder %s cannot be made: %s" % (made, error.strerror))
    from . import checkpoints
    run = {
        "run_id": request["run_id"], "name": request["name"], "project": request["project"], "script": script, "args": list(request["args"]),
        "project_dir": project_dir, "checkpoint_dir": checkpoint_dir, "checkpoint_patterns": list(request["checkpoint_patterns"]),
        "output_dir": output_dir, "data_dir": data_dir, "boot_id": run_state.boot_id(),
        "resume_from": None, "attempt": 1, "parent_run_id": None, "resume": None, "interruptible": bool(request.get("interruptible")),
        "baseline": checkpoints.snapshot(checkpoint_dir, list(request["checkpoint_patterns"]), plugins), "created_at": time.time(),
        "data_source": request.get("data_source"), "output": output, "formats": plugins,
        # What the supervisor changes. `asked`: {reason} from the moment when the script is asked to save and leave.
        "state": "preparing", "asked": None, "reason": None, "detail": None, "exit_code": None, "signal": None, "ended_at": None,
    }
    if candidates:
        run.update(resume.facts_of(candidates[0], project_dir))
        if not candidates[0]["path"]:
            run["resume"] = {"candidates": candidates, "access": request["resume_access"]}
    environment = dict({"PYTHONUNBUFFERED": "1"}, **request["env"])
    environment.update(
        RUNCTL_RUN_ID=request["run_id"], RUNCTL_CHECKPOINT_DIR=checkpoint_dir, RUNCTL_OUTPUT_DIR=output_dir,
        RUNCTL_STOP_FILE=str(paths.run_dir(request["run_id"]) / "stop"))
    if data_dir:
        environment["RUNCTL_DATA_DIR"] = data_dir
    command = {
        "choice": choice, "args": list(request["args"]), "cwd": project_dir, "env": environment,
        # Of a run that this one was started from, they would mislead.
        "unset": ([] if data_dir else ["RUNCTL_DATA_DIR"]) + ["RUNCTL_RESUME_FROM"], "shown": script,
        "resume_argument": resume.argument_for(request, script_path),
    }
    if candidates and candidates[0]["path"]:
        command = resume.with_path(command, candidates[0]["path"])  # else when it has been fetched
    return run, command, skipped


def _data_dir(data, source):
    if source:
        if data is not None:
            raise AgentError("bad_input", "a run has one data folder: %r or %s, not both" % (data, source["uri"]))
        return s3_uri.data_folder(source["uri"])  # filled before the script starts
    if data is None:
        return None
    path = data if data.startswith("/") else str(paths.data_dir(data))
    if not os.path.isdir(path):
        raise AgentError("not_found", "there is no data folder %s on the instance" % path)
    return path


def _stamps_below(folder):
    """{path: stamp} of the files that are there before the run."""
    from . import digests
    found = {}
    for path in digests.files_below(folder):
        with contextlib.suppress(OSError):
            found[path] = digests.stamp_of(os.stat(os.path.join(folder, path)))
    return found


def _lay_down(folder, request, run, command):
    """The run's folder, whole or not at all."""
    # Made while there is room on the disk.
    paths.made("stop-requests")
    temporary = tempfile.mkdtemp(prefix=".new-", dir=str(folder.parent))
    try:
        kept = {key: value for key, value in request.items() if key not in ("sync", "formats")}
        files = [("request.json", kept), ("run.json", run), ("command.json", command)]
        if run["output"]:
            files.append(("earlier-outputs.json", _stamps_below(run["output_dir"])))
        for name, value in files:
            write_json(os.path.join(temporary, name), value)
        for name, content in (("reserve", b"\0" * RESERVE_BYTES), ("log", b"")):
            with open(os.path.join(temporary, name), "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(content)
        os.rename(temporary, str(folder))
    except BaseException:
        import shutil
        shutil.rmtree(temporary, ignore_errors=True)
        raise
