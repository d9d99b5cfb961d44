"""What a run resumes from: the newest good checkpoint among those on the disk and those in the store that the client names."""

import contextlib
import glob
import os

from . import paths, run_state
from .entries import is_sha256, is_size
from .errors import AgentError
from .s3_uri import parse_uri

ARGUMENT = "--resume-from"
# Those after it would hardly be reached.
MAX_CANDIDATES = 50


def choose(request, project_dir, checkpoint_dir, ended, plugins=()):
    """(candidates, best first; [{path, why}] of what is newer than the first and was passed over).

    A candidate: {from, path (on the disk, absolute; None: to be fetched), stored, sha256, step, epoch}. Raises where something was asked for and none is good.
    """
    wanted, stored = request["resume"], [_checked_stored(one) for one in request.get("resume_stored") or ()]
    if wanted is None and not stored:
        return [], []
    if stored and not request.get("resume_access"):
        raise AgentError("bad_input", "there is no way given to the store of what to resume from")
    if wanted not in (None, "latest") and not paths.is_run_id(wanted):
        return _named(wanted, project_dir, ended, plugins), []
    listed, where = _local(wanted, request, project_dir, checkpoint_dir, ended, bool(stored), plugins)
    here = {one["sha256"]: one for one in listed if one["sha256"]}
    entries = [(one["modified_at"], 1, one, None) for one in listed]
    # The same content is taken from the disk.
    entries += [(one["modified_at"], 0, here.get(one["sha256"]) or one, one) for one in stored]
    entries.sort(key=lambda entry: entry[:2], reverse=True)
    for state in ("complete", "unverified"):
        good, skipped, seen = [], [], set()
        for _, _, one, of_store in entries:
            is_here = of_store is None or one is not of_store
            if one["state"] == state and one["sha256"] not in seen:
                seen.add(one["sha256"])
                good.append(_candidate(one, project_dir) if is_here else _stored_candidate(one))
            elif one["state"] != state and not good:
                skipped.append({"path": one["path"] if is_here else one["uri"], "why": "%s: %s" % (one["state"], one.get("state_detail") or "its manifest says so")})
        if good:
            return good[:MAX_CANDIDATES], skipped
    looked_at = where + [one["uri"] for one in stored]
    raise AgentError(
        "verification_failed", "there is no good checkpoint to resume from in %s%s" % (
            " or ".join(where) or "the store", " or among %d in the store" % len(stored) if stored and where else ""),
        {"skipped": skipped, "looked_at": looked_at[:MAX_CANDIDATES]})


def _local(wanted, request, project_dir, checkpoint_dir, ended, may_be_elsewhere, plugins):
    """(checkpoints of this disk, [the folder])."""
    from . import checkpoints
    if wanted is None:
        return [], []
    if wanted == "latest":
        patterns = list(request["checkpoint_patterns"])
        return checkpoints.list_checkpoints(checkpoint_dir, project_dir, patterns, ended=ended, plugins=plugins), [checkpoint_dir]
    try:
        run = run_state.load(wanted)
    except AgentError:
        if may_be_elsewhere:
            return [], []
        raise
    listed = checkpoints.checkpoints({"run_id": wanted})["checkpoints"]
    return [dict(one, path=_shown(os.path.join(run["project_dir"], one["path"]), project_dir)) for one in listed], [run["checkpoint_dir"]]


def _named(wanted, project_dir, ended, plugins):
    from . import checkpoints
    path = os.path.normpath(os.path.join(project_dir, wanted))
    if not os.path.exists(path):
        raise AgentError("not_found", "there is no checkpoint %s on the instance" % path)
    pattern = glob.escape(os.path.basename(path))
    for found in checkpoints.list_checkpoints(os.path.dirname(path), project_dir, [pattern], ended=ended, plugins=plugins):
        if os.path.join(project_dir, found["path"]) == path:
            if found["state"] in ("corrupt", "partial"):
                why = "%s: %s" % (found["state"], found["state_detail"])
                raise AgentError("verification_failed", "checkpoint %s is %s" % (wanted, why), {"skipped": [{"path": found["path"], "why": why}]})
            return [_candidate(found, project_dir)]
    return [{"from": _shown(path, project_dir), "path": path, "stored": None, "sha256": None, "step": None, "epoch": None}]


def _shown(path, project_dir):
    return os.path.relpath(path, project_dir) if path.startswith(project_dir + os.sep) else path


def _candidate(one, project_dir):
    path = os.path.join(project_dir, one["path"])
    return {"from": one["path"], "path": path, "stored": None, "sha256": one["sha256"], "step": one["step"], "epoch": one["epoch"]}


def _stored_candidate(one):
    kept = {key: one[key] for key in ("uri", "kind", "sha256", "size_bytes", "run_id", "attempt")}
    return {"from": one["uri"], "path": None, "stored": kept, "sha256": one["sha256"], "step": one["step"], "epoch": one["epoch"]}


def _checked_stored(one):
    try:
        name = parse_uri(one["uri"])[1].split("/")[-1]
        numbers = all(one[key] is None or is_size(one[key]) for key in ("step", "epoch", "attempt"))
        if (one["kind"] in ("file", "folder") and name not in ("", ".", "..") and numbers and is_sha256(one["sha256"]) and is_size(one["size_bytes"])
                and isinstance(one["modified_at"], str) and isinstance(one["state"], str)):
            return dict(one, run_id=one["run_id"] if paths.is_run_id(one["run_id"]) else None)
    except (KeyError, TypeError):
        pass
    raise AgentError("bad_input", "not a checkpoint in a store: %r" % (one,))


def parent_of(candidate, project_dir):
    """(run id or None, attempt) of the run that wrote it; (None, 0) where that is not known."""
    stored = candidate["stored"]
    if stored:
        return stored["run_id"], stored["attempt"] or 1
    for run_id in run_state.all_ids():
        with contextlib.suppress(AgentError):
            run = run_state.load(run_id)
            if run["project_dir"] == project_dir and any(one["path"] == candidate["from"] for one in run_state.recorded_checkpoints(run)):
                return run_id, run["attempt"]
    return None, 0


def facts_of(candidate, project_dir):
    """What stands in run.json of the one that it is."""
    parent, attempt = parent_of(candidate, project_dir)
    return {"resume_from": candidate["from"], "parent_run_id": parent, "attempt": attempt + 1, "resume_step": candidate["step"], "resume_epoch": candidate["epoch"]}


def argument_for(request, script_path):
    """The argument that the script wants the path by, or None: it does not know it, or its arguments have it."""
    argument = request.get("resume_argument", ARGUMENT)
    if not argument or any(arg.split("=")[0] == argument for arg in request["args"]):
        return None
    with open(script_path, "rb") as file:
        return argument if argument.encode("utf-8", "surrogateescape") in file.read(1 << 20) else None


def with_path(command, path):
    """What the launcher runs, with the checkpoint's path in it."""
    argument = command["resume_argument"]
    return dict(
        command, args=command["args"] + ([argument, path] if argument else []), env=dict(command["env"], RUNCTL_RESUME_FROM=path),
        unset=[name for name in command["unset"] if name != "RUNCTL_RESUME_FROM"])
