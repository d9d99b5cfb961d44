"""Whether a checkpoint is whole, from its bytes alone: nothing is ever unpickled or run."""

import hashlib
import json
import os

from . import format_plugins
from .digests import files_below
from .finding import Finding, metrics_of, metrics_of_trainer, step_and_epoch_of_name
from .safetensors import judge_safetensors
from .sources import FileSource, Hashing
from .zip_formats import judge_zip

__all__ = ["examine", "is_weights", "judge", "step_and_epoch_of_name"]

MAX_JSON_BYTES = 64 << 20
ZIP_FORMATS = {".pt": "torch-zip", ".pth": "torch-zip", ".ckpt": "torch-zip", ".bin": "torch-zip", ".npz": "npz", ".keras": "keras"}
# By the name alone these may be anything: a file that is no zip is an older or another format.
MAYBE_ZIP = (".pt", ".pth", ".ckpt", ".bin")
OPAQUE = {".pkl": "pickle", ".h5": "hdf5", ".msgpack": "msgpack"}
BUILT_IN = frozenset(ZIP_FORMATS) | frozenset(OPAQUE) | {".json", ".safetensors"}


def extension_of(name):
    return os.path.splitext(name)[1].lower()


def is_weights(name, plugins=()):
    """A format that holds parameters; JSON may be that or anything else."""
    extension = extension_of(name)
    return extension != ".json" and extension in BUILT_IN or format_plugins.of(extension, plugins) is not None


def judge(path, plugins=()):
    """[state, detail, format, step, epoch, metrics] of a file or folder, all of it read. Raises OSError if it cannot be read."""
    return examine(open_disk(path), os.path.basename(path), True, False, plugins).judgement(os.path.basename(path))


def open_disk(path):
    """[(path below, or '' for a file; its size; what opens it)], by name."""
    def one(name):
        full = os.path.join(path, name) if name else path
        return name, os.stat(full).st_size, lambda: FileSource(full)
    return [one(name) for name in (files_below(path) if os.path.isdir(path) else [""])]


def examine(files, name, read_through, digests, plugins=(), read=None):
    """The Finding. `read_through`: the checksums inside are compared; `digests`: each byte is read, for the digest of all and of each tensor.

    `read` is told how many bytes each file took.
    """
    def look(opened, weigh):
        source = opened()
        try:
            hashing = Hashing(source) if digests else source
            finding = _file(hashing, read_through, digests, plugins) if weigh else Finding("unverified", "not part of the weights")
            if digests:
                finding.sha256 = hashing.sha256()
            return finding
        finally:
            if read:
                read(source.bytes_read)
            source.close()

    if [path for path, _, _ in files] == [""]:
        return look(files[0][2], True)
    return _folder(files, look, plugins, digests)


def _file(source, read_through, digests, plugins):
    extension = extension_of(source.name)
    if not source.size:
        return Finding("corrupt", "the file is empty")
    if extension == ".json":
        return _json(source)
    if extension == ".safetensors":
        return judge_safetensors(source, read_through, digests)
    if extension in ZIP_FORMATS:
        kind, start = ZIP_FORMATS[extension], source.read_at(0, 8)
        if start[:2] == b"PK":
            return judge_zip(source, kind, read_through, digests)
        if b"PK\3\4".startswith(start):
            return Finding("partial", "cut off: it ends in its first bytes", kind)
        if not start.strip(b"\0"):
            return Finding("corrupt", "it begins with zeros", kind)
        if extension not in MAYBE_ZIP:
            return Finding("corrupt", "it is not a zip file", kind)
        kind = "bin" if extension == ".bin" else "torch-legacy"
        return Finding("unverified", "not a zip file: an older format, which cannot be checked", kind)
    plugin = format_plugins.of(extension, plugins)
    if plugin and extension not in BUILT_IN:
        return format_plugins.ask(plugin, source, digests)
    return Finding("unverified", "this format cannot be checked", OPAQUE.get(extension))


def _json(source):
    if source.size > MAX_JSON_BYTES:
        return Finding("unverified", "too large to be parsed", "json")
    try:
        text = source.read_at(0, source.size).decode("utf-8")
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or "Unterminated" in error.msg:
            return Finding("partial", "cut off: it ends inside the JSON text", "json")
        return Finding("corrupt", "not valid JSON: " + str(error), "json")
    except (ValueError, RecursionError) as error:
        return Finding("corrupt", "not valid JSON: %s" % (error,), "json")
    facts = value if isinstance(value, dict) else {}
    return Finding("complete", None, "json", facts, metrics_of(facts), has_optimizer=True if any("optim" in key for key in facts) else None)


def _folder(files, look, plugins, digests):
    """The worst of its files. At least one with weights must be whole, and every shard of an index must be there, with its tensors."""
    names = {path for path, _, _ in files}
    folder, tree, indexes, problem, weighed = Finding("complete", None, "folder", tensors=[]), hashlib.sha256(), [], None, []
    for path, size, opened in files:
        weigh = extension_of(path) == ".json" or is_weights(path, plugins)
        found = look(opened, weigh) if weigh or digests else Finding("unverified", "not part of the weights")
        tree.update(str(found.sha256).encode() + b"  " + os.fsencode(path) + b"\n")
        one = {"path": path, "size_bytes": size, "format": found.kind, "state": found.state, "state_detail": found.detail, "found": found}
        folder.files.append(one)
        if not weigh:
            continue
        weighed.append(one)
        if found.state in ("corrupt", "partial") and problem is None:
            problem = found.state, "%s: %s" % (path, found.detail)
        if os.path.basename(path) == "trainer_state.json":
            folder.facts, folder.metrics = found.facts, metrics_of_trainer(found.facts)
        if path.endswith(".index.json") and isinstance(found.facts.get("weight_map"), dict):
            indexes.append((path, found.facts["weight_map"]))
    folder.sha256 = tree.hexdigest() if digests else None
    weights = [one for one in weighed if one["format"] != "json"]
    for one in weights:
        folder.tensors += _of_file(one)
    folder.has_optimizer = _has_optimizer(weights)
    for path, weight_map in indexes:
        problem = problem or _lacking(path, weight_map, names, folder.files)
    if problem is None and not any(one["state"] == "complete" for one in weights):
        if len(weighed) < len(names) or any(one["state"] == "unverified" for one in weighed):
            problem = "unverified", "nothing in the folder has a format that can be checked"
        else:
            problem = "partial", "there are no weights in the folder"
    folder.state, folder.detail = problem or ("complete", None)
    return folder


def _of_file(one):
    found = one["found"].tensors or []
    for tensor in found:
        tensor.name = "%s:%s" % (one["path"], tensor.name)
        tensor.storage = tensor.storage and (one["path"], tensor.storage)
        tensor.of_optimizer = tensor.of_optimizer or _names_optimizer(one["path"])
    return found


def _names_optimizer(path):
    return "optim" in os.path.basename(path).lower()


def _has_optimizer(weights):
    """True where any file has one; False only where of each the tables could be read."""
    known = [True if _names_optimizer(one["path"]) else one["found"].has_optimizer for one in weights]
    return True if True in known else None if None in known or not known else False


def _lacking(index, weight_map, names, files):
    """(state, why) where a shard, or a tensor in it, is not there; None where all are."""
    beside, by_path = os.path.dirname(index), {one["path"]: one["found"] for one in files}
    shards = {}
    for tensor, shard in weight_map.items():
        shards.setdefault(str(shard), []).append(tensor)
    for shard in sorted(shards):
        path = os.path.join(beside, shard)
        if path not in names:
            return "partial", "%s is not there, though %s lists it" % (shard, index)
        found = by_path.get(path)
        if found is None or found.tensors is None:
            continue
        there = {tensor.name[len(path) + 1:] for tensor in found.tensors}
        for tensor in sorted(shards[shard]):
            if tensor not in there:
                return "partial", "%s is not in %s, though %s says so" % (tensor, shard, index)
    return None
