"""The verb `inspect`: what is inside one checkpoint, here or in a store, and whether its bytes are those that were known."""

import math
import os
import time

from . import bounds, checkpoints, digests, format_plugins, formats, paths, run_state
from .clock import iso
from .errors import AgentError
from .files import checked_relative, home_path
from .jsonio import read_json
from .sources import HttpSource

MAX_TENSORS = 100000
NOT_THE_SAME = "its bytes are not those that were %s, though size and time are the same"


def inspect(request):
    plugins = format_plugins.kept(request.get("formats"))
    return _object(request, plugins) if request.get("object") is not None else _path(request, plugins)


def _object(request, plugins):
    given, full, read = request["object"], bool(request["full"]), []
    name = os.path.basename(given["name"].rstrip("/"))
    files = []
    for one in sorted(given["files"], key=lambda one: os.fsencode(one["path"])):
        path, size = one["path"] and checked_relative(one["path"]), one["size_bytes"]
        opened = lambda url=one["url"], size=size, path=path: HttpSource(url, size, os.path.basename(path) or name)  # noqa: E731
        files.append((path, size, opened))
    finding = formats.examine(files, name, full, full, plugins, read.append)
    checkpoint = _as_checkpoint(given["name"], finding, name, sum(size for _, size, _ in files), given["modified_at"])
    return {"checkpoint": checkpoint, "xray": xray(finding, request), "bytes_read": sum(read), "known_digests": []}


def _as_checkpoint(path, finding, name, size, modified_at):
    state, detail, kind, step, epoch, metrics = finding.judgement(name)
    return {
        "path": path, "state": state, "state_detail": detail, "format": kind, "size_bytes": size, "sha256": finding.sha256, "step": step,
        "epoch": epoch, "metrics": metrics, "modified_at": modified_at, "run_id": None, "attempt": None, "tags": [], "places": [],
    }


def _path(request, plugins):
    full_path, asked, run_id = _found(request)
    read, plugins = [], plugins + checkpoints.plugins_of(run_id)
    if not request["full"]:
        before = _stamp(full_path)
        unread = not checkpoints.is_judged(full_path, before, plugins)
        checkpoint = _listed(asked, request)
        finding = formats.examine(formats.open_disk(full_path), os.path.basename(full_path), False, False, plugins, read.append)
        read += [2 * before[0]] if unread else []
        return {"checkpoint": checkpoint, "xray": xray(finding, request), "bytes_read": sum(read), "known_digests": []}
    before, known = _stamp(full_path), _known_digests(full_path)
    finding = formats.examine(formats.open_disk(full_path), os.path.basename(full_path), True, True, plugins, read.append)
    if _stamp(full_path) != before:
        finding.state, finding.detail = "partial", checkpoints.WRITING
    else:
        other = next((one for one in known if one["sha256"] != finding.sha256), None)
        if other:
            finding.state, finding.detail = "corrupt", NOT_THE_SAME % other["by"]
        _remember(full_path, before, finding, other, plugins)
    state, detail, kind, step, epoch, metrics = finding.judgement(os.path.basename(full_path))
    checkpoint = _listed(asked, request)
    # What was just read is truer than what was known.
    places = checkpoint["places"]
    if state != "complete":
        places = [dict(place, verified_at=None) if place is places[0] else place for place in places]
    checkpoint.update(state=state, state_detail=detail, format=kind, step=step, epoch=epoch, metrics=metrics, sha256=finding.sha256, places=places)
    return {"checkpoint": checkpoint, "xray": xray(finding, request), "bytes_read": sum(read), "known_digests": known}


def _found(request):
    """(absolute path, the request to the verb `checkpoints` that names it, the run in whose project it is)."""
    path = request["path"]
    narrowed = {key: request[key] for key in ("run_id", "project") if request.get(key) is not None}
    if not isinstance(path, str) or "\0" in path or not path:
        raise AgentError("bad_input", "%r is not a path" % (path,))
    run_id = narrowed.get("run_id") or run_state.newest(narrowed.get("project"))
    bases = []
    if run_id is not None:
        run = run_state.load(run_id)
        bases = [str(run["project_dir"]), str(run["checkpoint_dir"])]
    elif narrowed:
        bases = [str(paths.project_dir(narrowed["project"]))]
    for base in bases:
        full = os.path.normpath(os.path.join(base, path))
        if os.path.exists(full) and (not os.path.isabs(path) or full.startswith(bases[0] + os.sep)):
            return full, dict(narrowed, path=full), run_id
    full = home_path(path)
    if not os.path.exists(full):
        raise AgentError("not_found", "there is no checkpoint %s on %s" % (path, os.environ.get("RUNCTL_INSTANCE_ID") or "this machine"))
    return full, {"dir": os.path.dirname(full), "path": os.path.basename(full)}, None


def _listed(asked, request):
    """The checkpoint as `checkpoints` tells it."""
    request = {key: value for key, value in dict(asked, formats=request.get("formats")).items() if value is not None}
    found = checkpoints.checkpoints(request)["checkpoints"]
    if not found:
        raise AgentError("not_found", "%s is not a checkpoint of %s" % (asked["path"], asked.get("run_id")))
    return found[0]


def _stamp(path):
    return checkpoints.stamp_now(path)


def _known_digests(path):
    """[{sha256, by}] of just this state of the file: what was read before here, recorded by runs, told by a manifest beside it."""
    stamp, known = _stamp(path), []
    cached = digests.Cache().find(path, stamp)
    if cached:
        known.append({"sha256": cached[0], "by": "read before"})
    for run_id in run_state.all_ids():
        try:
            run = run_state.load(run_id)
        except AgentError:
            continue
        for one in run_state.recorded_checkpoints(run):
            same = os.path.join(run["project_dir"], one["path"]) == path
            if same and one["sha256"] and one["size_bytes"] == stamp[0] and one["modified_at"] == iso(stamp[1] / 1e9):
                known.append({"sha256": one["sha256"], "by": "recorded by %s" % run_id})
    manifest = read_json(path + ".manifest.json")
    if isinstance(manifest, dict) and isinstance(manifest.get("sha256"), str):
        known.append({"sha256": manifest["sha256"][:64], "by": "told by the manifest beside it"})
    return known


def _remember(path, stamp, finding, other, plugins):
    """What was claimed of these bytes stays, so that they are never taken for good later on."""
    with digests.Cache() as cache:
        judgement = finding.judgement(os.path.basename(path)) + [format_plugins.judged_by(path, plugins)]
        cache.remember(path, stamp, other["sha256"] if other else finding.sha256, judgement)


def xray(finding, request):
    """The CheckpointXray; None where there are no tables to be read."""
    tensors = finding.tensors
    if tensors is None:
        return None
    dtypes, seen, size, parameters = {}, set(), 0, 0
    for tensor in tensors:
        if tensor.storage is not None and (tensor.storage, tensor.shape) in seen:
            continue
        seen.add((tensor.storage, tensor.shape))
        size += tensor.size_bytes
        if not tensor.of_optimizer:
            elements = math.prod(tensor.shape)
            parameters += elements
            dtypes[tensor.dtype] = dtypes.get(tensor.dtype, 0) + elements
    room, after = bounds.room(request), request.get("after")
    files, files_more = bounds.fitting([{key: one[key] for key in one if key != "found"} for one in finding.files], room and room // 2)
    left = sorted((one for one in tensors if after is None or one.name > after), key=lambda tensor: tensor.name)
    told = [{"name": one.name, "dtype": one.dtype, "shape": list(one.shape), "digest": one.digest}
            for one in left[:max(0, min(request["max_tensors"], MAX_TENSORS))]]
    shown, _ = bounds.fitting(told, room and room // 2)
    return {
        "tensor_count": len(tensors), "parameter_count": parameters, "dtypes": dtypes, "tensor_bytes": size, "has_optimizer": finding.has_optimizer,
        "tensors": shown, "tensors_left_out": len(left) - len(shown), "files": files, "files_left_out": len(finding.files) - len(files) if files_more else 0,
    }
