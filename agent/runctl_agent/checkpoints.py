"""Finds checkpoints, tells whose they are, and which is the latest good one."""

import fnmatch
import json
import os
import socket
import stat
import time

from . import bounds, copies, digests, format_plugins, formats, paths
from .clock import iso
from .errors import AgentError
from .files import home_path, is_inside

DEFAULT_FILES = tuple("*.pt *.pth *.ckpt *.safetensors *.npz *.json *.pkl *.bin *.h5 *.keras *.msgpack".split())
DEFAULT_FOLDERS = ("checkpoint-*", "*.ckpt")
MAX_DEPTH = 3
WRITING = "still being written"
FLUSHED_S = 120


def _passed_over(name):
    # `tmp-checkpoint-400` is how transformers calls a folder that it has not finished.
    return name.startswith((".", "tmp-checkpoint-")) or name.endswith((".tmp", ".part", ".partial", ".manifest.json"))


def _matches(path, patterns):
    name = os.path.basename(path)
    return any(fnmatch.fnmatchcase(path, pattern) or ("/" not in pattern and fnmatch.fnmatchcase(name, pattern)) for pattern in patterns)


def _sidecars(names):
    """JSON next to weights describes them (config.json), unless its name says that it is a step of its own."""
    stems = {os.path.splitext(name)[0] for name in names if not name.endswith(".json")}
    described = [name for name in names if name.endswith(".json")] if stems else []
    return {name for name in described if name[:-5] in stems or formats.step_and_epoch_of_name(name) == (None, None)}


def _folder_stamp(path):
    size = newest = 0
    for name in digests.files_below(path):
        info = os.stat(os.path.join(path, name))
        size, newest = size + info.st_size, max(newest, info.st_mtime_ns)
    info = os.stat(path)
    return [size, newest or info.st_mtime_ns, info.st_ino]


def _find(root, patterns, plugins=()):
    """{path below the root: stamp}. A link is followed only to what the walk does not meet anyway."""
    real_root = os.path.realpath(root)
    found, visited = {}, {real_root}
    file_patterns = patterns or DEFAULT_FILES + tuple("*" + extension for plugin in plugins for extension in plugin["extensions"])
    # `*` means every file; as one for folders it would hide them all.
    folder_patterns = [pattern for pattern in patterns if pattern.strip("*/")] if patterns else DEFAULT_FOLDERS

    def walk(at, depth):
        here = {}
        try:
            with os.scandir(os.path.join(root, at)) as entries:
                listed = list(entries)
        except OSError:
            return
        for entry in listed:
            path = os.path.join(at, entry.name)
            if _passed_over(entry.name):
                continue
            try:
                if entry.is_symlink():
                    real = os.path.realpath(entry.path)
                    if is_inside(real, real_root) or is_inside(real_root, real) or real in visited:
                        continue
                    visited.add(real)
                info = entry.stat()
                if stat.S_ISDIR(info.st_mode):
                    if _matches(path, folder_patterns):
                        here[path] = _folder_stamp(entry.path)
                    elif depth < MAX_DEPTH:
                        walk(path, depth + 1)
                elif stat.S_ISREG(info.st_mode) and _matches(path, file_patterns):
                    here[path] = digests.stamp_of(info)
            except OSError:
                continue  # it vanished: old checkpoints do
        left_out = set() if patterns else _sidecars([os.path.basename(path) for path in here])
        found.update((path, stamp) for path, stamp in here.items() if os.path.basename(path) not in left_out)

    walk("", 0)
    return found


def snapshot(checkpoint_dir, patterns, plugins=()):
    """What is there now: {path below the folder: [size, mtime_ns, inode]}."""
    return _find(str(checkpoint_dir), patterns, plugins)


def list_checkpoints(checkpoint_dir, project_dir, patterns, baseline=None, settle_s=1.0, ended=False, plugins=()):
    """Oldest first; with a baseline only those that differ from it. Waits `settle_s` once if one's time is in the future."""
    root = os.path.abspath(str(checkpoint_dir))
    found = {path: stamp for path, stamp in _find(root, patterns, plugins).items() if not baseline or baseline.get(path) != stamp}
    return _describe(root, project_dir, found, settle_s, ended, plugins=plugins)


def stamp_now(path):
    return _folder_stamp(path) if os.path.isdir(path) else digests.stamp_of(os.stat(path))


def _describe(root, project_dir, found, settle_s, ended, writers=None, plugins=()):
    now = time.time()
    with digests.Cache() as cache:
        unknown = {path for path, stamp in found.items() if not cache.find(os.path.join(root, path), stamp)}
        # A clock that is behind, here or on a file server: the time says nothing, so look twice.
        ahead = {path for path in unknown if found[path][1] / 1e9 > now}
        if ahead and not ended:
            time.sleep(settle_s)
        described = []
        for path, stamp in sorted(found.items(), key=lambda item: (item[1][1], item[0])):
            full = os.path.normpath(os.path.join(root, path))
            try:
                if path in ahead:
                    settled = stamp == stamp_now(full)
                else:
                    settled = path not in unknown or now - stamp[1] / 1e9 >= settle_s
                judged = _judged(full, stamp, cache, plugins) if settled or ended else None
            except OSError as error:
                if not os.path.lexists(full):
                    continue
                judged = [None, ["corrupt", "cannot be read: %s" % error.strerror, None, None, None, {}]]
            if judged is None:
                judged = [None, ["partial", WRITING, None, *formats.step_and_epoch_of_name(os.path.basename(path)), {}]]
            one = _as_checkpoint(full, project_dir, stamp, *judged)
            writer = (writers or {}).get(path)
            described.append(dict(one, run_id=writer["run_id"], attempt=writer["attempt"]) if writer else one)
    return described


def is_judged(full, stamp, plugins, cache=None):
    """[sha256, judgement] if just this state was judged before, by just these means, else None."""
    known = (cache or digests.Cache()).find(full, stamp)
    judgement = known and known[1]
    return known if isinstance(judgement, list) and len(judgement) == 7 and judgement[6] == format_plugins.judged_by(full, plugins) else None


def _judged(full, stamp, cache, plugins):
    """[sha256, judgement] of just this state; None if it changes under our hands."""
    known = is_judged(full, stamp, plugins, cache)
    if known:
        return known
    judgement = formats.judge(full, plugins) + [format_plugins.judged_by(full, plugins)]
    sha256 = digests.sha256_of_tree(full)
    # What is known of these bytes must be true of them after a crash, too; the kernel writes by itself what is older.
    if time.time() - stamp[1] / 1e9 < FLUSHED_S:
        digests.make_durable(full)
    if stamp_now(full) != stamp:
        return None
    cache.remember(full, stamp, sha256, judgement)
    return [sha256, judgement]


def _as_checkpoint(full, project_dir, stamp, sha256, judgement):
    state, detail, kind, step, epoch, metrics = judgement[:6]
    inside = project_dir is not None and is_inside(full, str(project_dir))
    return {
        "path": os.path.relpath(full, str(project_dir)) if inside else full,
        "state": state, "state_detail": detail, "format": kind, "size_bytes": stamp[0], "sha256": sha256,
        "step": step, "epoch": epoch, "metrics": metrics, "modified_at": iso(stamp[1] / 1e9), "run_id": None, "attempt": None, "tags": [], "places": [],
    }


def latest_good(listed):
    """(checkpoint or None, what is newer and why it was passed over). Unverified ones count only if nothing is complete."""
    newest_first = sorted(listed, key=lambda one: one["modified_at"])[::-1]
    for state in ("complete", "unverified"):
        skipped = []
        for one in newest_first:
            if one["state"] == state:
                return one, skipped
            skipped.append({"path": one["path"], "why": "%s: %s" % (one["state"], one["state_detail"])})
    return None, skipped


def _runs_of_folder(checkpoint_dir):
    """The runs that wrote into this folder, newest first."""
    from . import run_state
    for run_id in run_state.all_ids():
        try:
            run = run_state.load(run_id)
        except AgentError:
            continue
        if run.get("baseline") is not None and str(run["checkpoint_dir"]) == checkpoint_dir:
            yield run


def _writers(checkpoint_dir, found):
    """{path: run}: the newest run that did not find this state of it at its start."""
    writers, left = {}, dict(found)
    for run in _runs_of_folder(checkpoint_dir):
        for path in [path for path, stamp in left.items() if run["baseline"].get(path) != stamp]:
            writers[path] = run
            del left[path]
        if not left:
            break
    return writers


def where_of(request):
    """(checkpoint folder, project folder or None, patterns, run id or None) of what is asked for."""
    from . import run_state
    if request.get("dir") is not None:
        return home_path(request["dir"]), None, request.get("patterns") or [], None
    run_id = request.get("run_id") or run_state.newest(request.get("project"))
    if run_id is None:
        if request.get("project") is None:
            raise AgentError("not_found", "there is no run on this instance")
        project_dir = str(paths.project_dir(request["project"]))
        return os.path.join(project_dir, "checkpoints"), project_dir, request.get("patterns") or [], None
    run = run_state.load(run_id)
    return str(run["checkpoint_dir"]), str(run["project_dir"]), request.get("patterns") or run["checkpoint_patterns"], run_id


def plugins_of(run_id):
    """The formats that the run was started with."""
    from . import run_state
    return (run_state.load(run_id).get("formats") or []) if run_id is not None else []


def has_ended(run_id):
    from . import run_state
    return run_id is not None and run_state.status_of(run_id)["state"] == "stopped"


def checkpoints(request):
    root, project_dir, patterns, run_id = where_of(request)
    plugins = format_plugins.kept(request.get("formats")) + plugins_of(run_id)
    root = os.path.abspath(root)
    # Before the files: what is there when a run has ended does not change any more.
    ended = has_ended(run_id)
    if request.get("path") is not None:
        found = _only(request["path"], project_dir or root, root)
    else:
        found = _find(root, patterns, plugins)
    writers = _writers(root, found)
    if request.get("run_id") is not None:
        found = {path: stamp for path, stamp in found.items() if path in writers and writers[path]["run_id"] == run_id}
    kind = "client" if request.get("dir") is not None and "RUNCTL_INSTANCE_ID" not in os.environ else "instance"
    listed = [dict(one, places=[_here(one, kind, project_dir or root)] + one["places"])
              for one in copies.with_places(_describe(root, project_dir, found, 1.0, ended, writers, plugins))]
    good, skipped = latest_good(listed)
    answer = {"dir": root, "project_dir": project_dir, "latest_good": good}
    room, after = bounds.room(request), request.get("after")
    answer["latest_good_skipped"], _ = bounds.fitting(skipped, room and room // 4)
    if room is not None or after is not None:
        # Paged in the order of the paths, which stays when a checkpoint is written again between two pages.
        listed = sorted((one for one in listed if after is None or one["path"] > after), key=lambda one: one["path"])
        room = room and room - len(json.dumps(answer))
    answer["checkpoints"], answer["more"] = bounds.fitting(listed, room, least=1)
    return answer


def _here(checkpoint, kind, base):
    """The place that was just looked at: this machine."""
    where = os.environ.get("RUNCTL_INSTANCE_ID") or socket.gethostname()
    verified_at = iso(time.time()) if checkpoint["state"] == "complete" else None
    return {"kind": kind, "where": where, "path": os.path.join(base, checkpoint["path"]), "verified_at": verified_at}


def _only(path, *bases):
    """The one checkpoint with this path below one of the folders, whatever its name."""
    for base in bases:
        wanted = os.path.normpath(os.path.join(base, path))
        if os.path.exists(wanted):
            return {os.path.relpath(wanted, bases[-1]): stamp_now(wanted)}
    raise AgentError("not_found", "there is no checkpoint %s on the instance" % path)
