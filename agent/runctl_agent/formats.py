"""Whether a checkpoint is whole, from its bytes alone: nothing is ever unpickled or run."""

import errno
import json
import os
import re
import struct
import zipfile

from .digests import BLOCK, files_below

MAX_JSON_BYTES = 64 << 20
MAX_HEADER_BYTES = 100 << 20
ZIP_FORMATS = {".pt": "torch-zip", ".pth": "torch-zip", ".ckpt": "torch-zip", ".bin": "torch-zip", ".npz": "npz", ".keras": "keras"}
# By the name alone these may be anything: a file that is no zip is an older or another format.
MAYBE_ZIP = (".pt", ".pth", ".ckpt", ".bin")
OPAQUE = {".pkl": "pickle", ".h5": "hdf5", ".msgpack": "msgpack"}

_STEP = re.compile(r"(?:(?<![a-z])(?:step|iter|iteration)s?[-_=]?|(?<![a-z])(?:checkpoint|ckpt)[-_])(\d{1,15})(?!\d)", re.I)
_EPOCH = re.compile(r"(?<![a-z])epochs?[-_=]?(\d{1,15})(?!\d)", re.I)


def step_and_epoch_of_name(name):
    step, epoch = _STEP.search(name), _EPOCH.search(name)
    return (int(step.group(1)) if step else None, int(epoch.group(1)) if epoch else None)


def is_weights(name):
    """A format that holds parameters; JSON may be that or anything else."""
    extension = os.path.splitext(name)[1].lower()
    return extension == ".safetensors" or extension in ZIP_FORMATS or extension in OPAQUE


def judge(path):
    """(state, detail, format, step, epoch) of a file or folder. Raises OSError if it cannot be read."""
    if os.path.isdir(path):
        state, detail, kind, facts = _folder(path)
    else:
        state, detail, kind, facts = _file(path)
    named_step, named_epoch = step_and_epoch_of_name(os.path.basename(path))
    step = _whole(facts.get("step"), facts.get("global_step"), named_step)
    return state, detail, kind, step, _whole(facts.get("epoch"), named_epoch)


def _whole(*candidates):
    """The first that is a whole number, or its text; an epoch of 2.7 is the third one, not yet done: 2."""
    for value in candidates:
        try:
            if value is not None and not isinstance(value, bool) and 0 <= float(value) < 1 << 53:
                return int(float(value))
        except (TypeError, ValueError):
            pass
    return None


def _file(path):
    extension = os.path.splitext(path)[1].lower()
    size = os.stat(path).st_size
    with open(path, "rb") as file:
        start = file.read(8)
        if not size:
            return "corrupt", "the file is empty", None, {}
        if extension == ".json":
            return _json(file, size)
        if extension == ".safetensors":
            return _safetensors(file, start, size)
        if extension in ZIP_FORMATS:
            if start[:2] == b"PK":
                return _zip(file, ZIP_FORMATS[extension])
            if not start.strip(b"\0"):
                return "corrupt", "it begins with zeros", ZIP_FORMATS[extension], {}
            if extension not in MAYBE_ZIP:
                return "corrupt", "it is not a zip file", ZIP_FORMATS[extension], {}
            kind = "bin" if extension == ".bin" else "torch-legacy"
            return "unverified", "not a zip file: an older format, which cannot be checked", kind, {}
    return "unverified", "this format cannot be checked", OPAQUE.get(extension), {}


def _json(file, size):
    if size > MAX_JSON_BYTES:
        return "unverified", "too large to be parsed", "json", {}
    file.seek(0)
    try:
        text = file.read().decode("utf-8")
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or "Unterminated" in error.msg:
            return "partial", "cut off: it ends inside the JSON text", "json", {}
        return "corrupt", "not valid JSON: " + str(error), "json", {}
    except (ValueError, RecursionError) as error:
        return "corrupt", "not valid JSON: %s" % (error,), "json", {}
    return "complete", None, "json", value if isinstance(value, dict) else {}


def _safetensors(file, start, size):
    def bad(state, detail):
        return state, detail, "safetensors", {}

    if size < 8:
        return bad("partial", "cut off: it ends in the length of the header")
    (length,) = struct.unpack("<Q", start)
    if length > MAX_HEADER_BYTES:
        return bad("corrupt", "the header cannot be %d bytes long" % length)
    if length > size - 8:
        return bad("partial", "cut off: it ends in the header")
    try:
        header = json.loads(file.read(length).decode("utf-8"))
        facts = header.pop("__metadata__", None) or {}
        spans = sorted(tuple(tensor["data_offsets"]) for tensor in header.values())
        ends = [0] + [end for _, end in spans]
        gap = any(begin != end or after < begin for end, (begin, after) in zip(ends, spans))
        if not isinstance(facts, dict):
            raise TypeError("the metadata is no object")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return bad("corrupt", "the header is not valid: %s" % (error,))
    if gap:
        return bad("corrupt", "the tensors overlap or leave a gap")
    expected = 8 + length + ends[-1]
    if size < expected:
        return bad("partial", "cut off: %d of %d bytes" % (size, expected))
    if size > expected:
        return bad("corrupt", "%d bytes follow the last tensor" % (size - expected))
    return "complete", None, "safetensors", facts


def _zip(file, kind):
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            for member in members:
                with archive.open(member) as content:
                    while content.read(BLOCK):
                        pass
    except zipfile.BadZipFile as error:
        if "not a zip file" in str(error):
            return "partial", "cut off: the zip file has no directory at its end", kind, {}
        return "corrupt", str(error), kind, {}
    except OSError as error:
        if error.errno != errno.EINVAL:  # that one is an offset that cannot be
            raise
        return "corrupt", "the zip file points outside of itself", kind, {}
    except Exception as error:  # a damaged archive can make the module raise nearly anything
        return "corrupt", "the zip file cannot be read: %s" % (error,), kind, {}
    if not members:
        return "corrupt", "the zip file holds nothing", kind, {}
    return "complete", None, kind, {}


def _folder(path):
    """The worst of its files. At least one with weights must be whole, and every shard of an index must be there."""
    names = files_below(path)
    states, facts = [], {}
    for name in names:
        extension = os.path.splitext(name)[1].lower()
        if extension != ".json" and not is_weights(name):
            continue
        state, detail, kind, found = _file(os.path.join(path, name))
        if state in ("corrupt", "partial"):
            return state, "%s: %s" % (name, detail), "folder", facts
        states.append((state, kind))
        if os.path.basename(name) == "trainer_state.json":
            facts = found
        if name.endswith(".index.json") and isinstance(found.get("weight_map"), dict):
            beside = os.path.dirname(name)
            for shard in sorted({str(shard) for shard in found["weight_map"].values()}):
                if os.path.join(beside, shard) not in names:
                    return "partial", "%s is not there, though %s lists it" % (shard, name), "folder", facts
    if any(state == "complete" and kind != "json" for state, kind in states):
        return "complete", None, "folder", facts
    if any(state == "unverified" for state, _ in states) or len(states) < len(names):
        return "unverified", "nothing in the folder has a format that can be checked", "folder", facts
    return "partial", "there are no weights in the folder", "folder", facts
