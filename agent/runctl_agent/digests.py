"""SHA-256 of files and folders, and what is already known of them."""

import hashlib
import os
import time

from . import paths
from .jsonio import read_json, write_json
from .locks import exclusive

BLOCK = 1 << 20
MAX_ENTRIES = 10000
# So much newly read means that a save of the cache is worth its write, should this process be killed.
SAVE_EVERY_BYTES = 1 << 30


def stamp_of(stat):
    """What tells one state of a file from another without reading it."""
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def files_below(folder):
    """Sorted relative paths of all files in a folder; links to folders are not followed."""
    found = []
    for at, folders, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(at, name), folder) for name in names]
        found += [os.path.relpath(os.path.join(at, name), folder) for name in folders if os.path.islink(os.path.join(at, name))]
    return sorted((path for path in found if os.path.isfile(os.path.join(folder, path))), key=os.fsencode)


def sha256_of_tree(path):
    """Of a file its SHA-256. Of a folder that of the lines `<sha256>  <path>`, one a file, sorted by the path's bytes."""
    if not os.path.isdir(path):
        return sha256_of(path)
    digest = hashlib.sha256()
    for name in files_below(path):
        digest.update(sha256_of(os.path.join(path, name)).encode() + b"  " + os.fsencode(name) + b"\n")
    return digest.hexdigest()


def sha256_of_listing(files):
    """The same of a folder from {path, sha256} of its files, in any order."""
    lines = sorted((os.fsencode(one["path"]), one["sha256"].encode()) for one in files)
    return hashlib.sha256(b"".join(sha256 + b"  " + path + b"\n" for path, sha256 in lines)).hexdigest()


def make_durable(path):
    """Has what was written reach the disk, as far as that can be had: a file system that cannot do it is none the worse."""
    names = files_below(path) if os.path.isdir(path) else [""]
    for full in [os.path.join(path, name) if name else path for name in names]:
        try:
            handle = os.open(full, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError:
            pass


class Cache:
    """~/.runctl/digests.json: by path its stamp, its SHA-256 and, of checkpoints, how it was judged. Saved at the end of the `with`."""

    def __init__(self):
        self._file = str(paths.state_dir() / "digests.json")
        self._known = self._read()
        self._fresh = {}
        self._unsaved_bytes = 0

    def _read(self):
        known = read_json(self._file)
        return known if isinstance(known, dict) else {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.save()

    def find(self, path, stamp):
        """(sha256, judgement) if they are known of just this state, else None."""
        entry = self._known.get(path)
        return entry[3:5] if isinstance(entry, list) and len(entry) == 5 and entry[:3] == stamp else None

    def remember(self, path, stamp, sha256, judgement=None):
        # A file that changed a moment ago may change again without a trace in its stamp.
        if time.time() - stamp[1] / 1e9 < 1 and stamp[1] / 1e9 <= time.time():
            return
        self._fresh[path] = self._known[path] = stamp + [sha256, judgement]
        self._unsaved_bytes += stamp[0]
        if self._unsaved_bytes > SAVE_EVERY_BYTES:
            self.save()

    def sha256(self, path):
        """The SHA-256 of a file; read only if it changed since."""
        path = os.path.abspath(path)
        before = stamp_of(os.stat(path))
        found = self.find(path, before)
        if found:
            return found[0]
        digest = sha256_of(path)
        if stamp_of(os.stat(path)) == before:
            self.remember(path, before, digest)
        return digest

    def save(self):
        """Adds what is new to what others may have saved meanwhile. A full disk costs only time later."""
        if not self._fresh:
            return
        try:
            with exclusive(self._file + ".lock"):
                known = self._read()
                for path, entry in self._fresh.items():
                    known.pop(path, None)
                    known[path] = entry
                write_json(self._file, dict(list(known.items())[-MAX_ENTRIES:]))
        except OSError:
            pass
        self._fresh, self._unsaved_bytes = {}, 0
