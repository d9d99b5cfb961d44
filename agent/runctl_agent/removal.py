"""The verb `remove-checkpoints`: only what is just what was named, is whole, and is not needed to go on."""

import contextlib
import os
import shutil
import tempfile

from . import checkpoints, locks, paths, run_state
from .errors import AgentError
from .files import is_inside

# A checkpoint that is being removed has such a name, which none has: a kill leaves all of it or none that counts.
GOING = ".runctl-removed-"


def remove_checkpoints(request):
    with locks.exclusive(str(paths.made("locks") / ".removal")):
        return _remove_checkpoints(request)


def _remove_checkpoints(request):
    root, project_dir, patterns, run_id = checkpoints.where_of(request)
    root, base = os.path.abspath(root), project_dir or os.path.abspath(root)
    # Before they are looked at: what has this stamp afterwards is what was looked at.
    stamps = {one["path"]: _stamp(os.path.join(base, one["path"])) for one in request["remove"]}
    ended, plugins = checkpoints.has_ended(run_id), checkpoints.plugins_of(run_id)
    listed = {one["path"]: one for one in checkpoints.list_checkpoints(root, project_dir, patterns, ended=ended, plugins=plugins)}
    needed = _needed(root, listed.values(), base)
    _finish_removals(root)
    removed, kept = [], []
    for wanted in request["remove"]:
        why = _refusal(wanted, listed.get(wanted["path"]), needed, base, root)
        if why is None:
            why = _remove(os.path.join(base, wanted["path"]), stamps[wanted["path"]])
        if why is None:
            removed.append({"path": wanted["path"], "freed_bytes": listed.pop(wanted["path"])["size_bytes"]})
        else:
            kept.append({"path": wanted["path"], "why": why})
    return {"removed": removed, "kept": kept}


def _needed(root, listed, base):
    """{real path: why it is to stay}."""
    good, _ = checkpoints.latest_good(list(listed))
    needed = {os.path.realpath(os.path.join(base, good["path"])): "it is the latest good one"} if good else {}
    for run_id in run_state.all_ids():
        with contextlib.suppress(AgentError):
            run = run_state.load(run_id)
            source = run.get("resume_from")
            if not source or "://" in source:
                continue
            own = any(one["state"] == "complete" and os.path.exists(os.path.join(run["project_dir"], one["path"]))
                      for one in run_state.recorded_checkpoints(run))
            if run_state.look(run)["state"] != "stopped":
                why = "run %s, which is active, resumed from it" % run_id
            elif not own:
                why = "run %s resumed from it and has no checkpoint of its own" % run_id
            else:
                continue
            needed.setdefault(os.path.realpath(os.path.join(run["project_dir"], source)), why)
    return needed


def _refusal(wanted, found, needed, base, root):
    """Why it is to stay, or None."""
    if found is None:
        return "there is no such checkpoint in %s" % root
    full = os.path.join(base, found["path"])
    if found["state"] != "complete":
        return "it is %s: %s" % (found["state"], found["state_detail"])
    if found["sha256"] != wanted["sha256"]:
        return "its content is another one by now"
    if os.path.islink(full) or not is_inside(os.path.realpath(full), os.path.realpath(root)):
        return "it is a link"
    return needed.get(os.path.realpath(full))


def _stamp(full):
    try:
        return checkpoints.stamp_now(full)
    except (OSError, ValueError):
        return None


def _remove(full, stamp):
    """None, or why it is still there."""
    going = tempfile.mkdtemp(prefix=GOING, dir=os.path.dirname(full))
    aside = os.path.join(going, os.path.basename(full))
    try:
        os.rename(full, aside)
    except OSError as error:
        os.rmdir(going)
        return "it cannot be removed: %s" % error.strerror
    # Written again between the look and now? Time, size and inode tell, and a rename leaves them.
    if _stamp(aside) != stamp:
        if not os.path.lexists(full):
            os.rename(aside, full)
            os.rmdir(going)
        return "its content is another one by now"
    shutil.rmtree(going, ignore_errors=True)
    return None if not os.path.exists(aside) else "some of its files cannot be removed: %s" % going


def _finish_removals(root):
    """Of a call that was killed."""
    for at, folders, _ in os.walk(root):
        if at[len(root):].count(os.sep) > checkpoints.MAX_DEPTH:
            folders[:] = []
        for name in [name for name in folders if name.startswith(GOING)]:
            shutil.rmtree(os.path.join(at, name), ignore_errors=True)
            folders.remove(name)
