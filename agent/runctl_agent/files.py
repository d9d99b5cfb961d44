"""Lists and reads files for the client; what leads out of the listed folder is never followed."""

import base64
import hashlib
import json
import os
import stat
import zlib

from . import paths
from .digests import BLOCK, Cache, stamp_of
from .errors import AgentError

MAX_READ_BYTES = 64 << 20
MAX_LIST_BYTES = 1 << 30


def home_path(path):
    """An absolute path from one that may be relative to the home folder."""
    if not isinstance(path, str) or "\0" in path:
        raise AgentError("bad_input", "%r is not a path" % (path,))
    if path == "~" or path.startswith("~/"):
        path = path[2:]
    return os.path.normpath(os.path.join(str(paths.home()), path))


def checked_relative(path):
    """The path, if it is one below a folder: relative, every part a plain name."""
    try:
        parts = [os.fsencode(part) for part in path.split("/")]
    except (AttributeError, UnicodeError):
        parts = [b""]
    if any(part in (b"", b".", b"..") or b"\0" in part or len(part) > 255 for part in parts):
        raise AgentError("bad_input", "%r is not a path inside a folder" % (path,))
    return path


def is_inside(path, folder):
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def plain_mode(mode):
    return 0o755 if mode & 0o100 else 0o644


def list_files(request):
    base = os.path.realpath(home_path(request["path"]))
    if not os.path.lexists(base):
        raise AgentError("not_found", "%s does not exist on the instance" % base)
    entries, skipped = [], []

    def add(path):
        full = os.path.join(base, path) if path else base
        try:
            info = os.lstat(full)
            entry = {"path": path, "kind": "file", "mode": plain_mode(info.st_mode), "size": info.st_size}
            entry["mtime_ns"] = str(info.st_mtime_ns)
            why = None
            if stat.S_ISLNK(info.st_mode):
                entry.update(kind="symlink", target=os.readlink(full))
                if entry["target"].startswith("/") or not is_inside(os.path.realpath(full), base):
                    why = "a link that leads out of the folder"
            elif not stat.S_ISREG(info.st_mode):
                why = "neither a file nor a folder"
            elif not os.access(full, os.R_OK):
                why = "not readable"
        except OSError as error:
            why = error.strerror
        if why:
            skipped.append({"path": path, "why": why})
        else:
            entries.append(entry)

    def unreadable(error):
        skipped.append({"path": os.path.relpath(error.filename, base), "why": error.strerror})

    folder = os.path.isdir(base)
    if not folder:
        add("")
    for at, folders, names in os.walk(base, onerror=unreadable) if folder else ():
        for name in names + [name for name in folders if os.path.islink(os.path.join(at, name))]:
            add(os.path.relpath(os.path.join(at, name), base))
    answer = {"base": base, "kind": "folder" if folder else "file", "entries": [], "skipped": [], "more": False}
    # A third of it is left to what stands around the entries.
    room = request.get("max_bytes", MAX_LIST_BYTES) * 2 // 3
    for found in sorted(entries + skipped, key=lambda entry: entry["path"]):
        if found["path"] <= request.get("after", "") and "after" in request:
            continue
        room -= len(json.dumps(found)) + 1
        if room < 0:
            answer["more"] = True
            break
        answer["skipped" if "why" in found else "entries"].append(found)
    return answer


def read_files(request):
    base = os.path.realpath(home_path(request["base"]))
    reads = request["reads"]
    if any(read["offset"] < 0 or read["length"] < 0 for read in reads) or sum(read["length"] for read in reads) > MAX_READ_BYTES:
        raise AgentError("bad_input", "one call reads at most %d bytes" % MAX_READ_BYTES)
    # Level 1: weights hardly shrink, and the instance has better things to do.
    packer, packed, answers = zlib.compressobj(1), [], []
    cache = Cache()
    for read in reads:
        path, offset, left = read["path"], read["offset"], read["length"]
        full = os.path.join(base, checked_relative(path)) if path else base
        if not is_inside(os.path.realpath(full), base):
            raise AgentError("bad_input", "%r leads out of %s" % (path, base))
        digest = hashlib.sha256()
        try:
            if not stat.S_ISREG(os.stat(full).st_mode):
                raise AgentError("bad_input", "%s is not a file" % full)
            with open(full, "rb") as file:
                file.seek(offset)
                while left:
                    block = file.read(min(left, BLOCK))
                    if not block:
                        break
                    left -= len(block)
                    digest.update(block)
                    packed.append(packer.compress(block))
                info = os.fstat(file.fileno())
        except FileNotFoundError:
            raise AgentError("not_found", "%s does not exist on the instance" % full)
        except PermissionError:
            raise AgentError("bad_input", "%s is not readable" % full)
        length = read["length"] - left
        sha256 = None
        if offset + length >= info.st_size:
            known = cache.find(full, stamp_of(info))
            sha256 = digest.hexdigest() if offset == 0 else known and known[0]
        if sha256 is None and read.get("digest"):
            try:
                sha256 = cache.sha256(full)
            except OSError:
                pass  # gone since: the client finds no digest and asks again
        answers.append({"path": path, "length": length, "size": info.st_size, "sha256": sha256})
    cache.save()
    packed.append(packer.flush())
    return {"reads": answers, "data": base64.b64encode(b"".join(packed)).decode("ascii")}
