"""
Brings a folder into the state that the client names. Bytes are staged by their digest and verified before anything is
touched; every file is put in place by a rename; `plan.json` is written before the first change and `index.json` after
the last, so that a sync that was killed anywhere is repaired by the next one.
"""

import errno
import hashlib
import json
import os
import shutil
import stat

from . import bounds, paths
from .digests import Cache, sha256_of
from .entries import check_links, folders_of, is_sha256, is_size, records
from .errors import AgentError
from .files import checked_relative, home_path, is_inside
from .jsonio import read_json, write_json
from .locks import exclusive
from .placing import is_folder, place, remove, set_mode, temporary_of
from .staging import Staging

# Smaller files are read again sooner than they are looked up.
CACHED_FROM_BYTES = 1 << 20


def apply_sync(request, stream):
    """The `sync` verb. `stream`: what follows the request line."""
    return _Sync(request).run(stream)


class _Sync:
    """One call. A record is [kind, mode, size, SHA-256 or link target, mtime_ns on disk]; kind is `file` or `symlink`."""

    def __init__(self, request):
        target = request["target"]
        self.kind = target["kind"]
        if self.kind == "project":
            folder, name = paths.project_dir(target["name"]), target["name"]
        elif self.kind == "data":
            folder, name = paths.data_dir(target["name"]), target["name"]
        elif self.kind == "path":
            folder = home_path(target["path"])
            name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        else:
            raise AgentError("bad_input", "%r is not a kind of target" % (self.kind,))
        self.folder = str(folder)
        self.root = os.path.realpath(self.folder)
        self.state = str(paths.state_dir() / "sync" / ("%s-%s" % (self.kind, name)))
        self.staging = Staging(os.path.join(self.state, "staging"), request["pieces"])
        self.tree, self.base, self.room = request["tree"], request["base"], bounds.room(request)
        self.manifest = records(request["manifest"]) if request.get("manifest") is not None else None
        self.manifest_blob = request.get("manifest_blob")
        self.delta = request.get("delta")
        if self.delta is not None:
            self.delta = records(self.delta["set"]), [checked_relative(path) for path in self.delta["remove"]]

    def run(self, stream):
        try:
            os.makedirs(self.state, exist_ok=True)
            with exclusive(os.path.join(self.state, "lock")):
                return self._run(stream)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error):
        free = shutil.disk_usage(self.state if os.path.isdir(self.state) else str(paths.home())).free
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            # What is staged would keep the disk full, perhaps just when the training saves.
            self.staging.clear()
            message = "the instance's disk is full (%d bytes free): %s was not changed" % (free, self.folder)
        else:
            message = "cannot write %s on the instance: %s" % (error.filename or self.folder, error.strerror)
        return AgentError("platform_failed", message, {"free_bytes": free, "dir": self.folder})

    def _run(self, stream):
        self._load()
        wanted = self._wanted()
        if self.tree is not None and self.tree == self.index["tree"] and not self.plan and not self._changed(self.entries):
            self.staging.skip(stream)
            return self._answer(True)
        self.staging.receive(stream)
        if self.tree is None:
            return self._answer(False)
        if wanted is None and self.manifest_blob is not None:
            sha256 = self.manifest_blob["sha256"]
            wanted = self._staged_manifest(sha256, self.manifest_blob["size"])
            if wanted is None:
                return self._answer(False, blobs=[sha256])
        if wanted is None:
            return self._answer(False, manifest=True)
        return self._apply(wanted)

    def _staged_manifest(self, sha256, size):
        """The wanted state from a manifest that came as a blob; None as long as it is not here whole."""
        if not is_sha256(sha256) or not is_size(size):
            raise AgentError("bad_input", "not a blob: %r" % (self.manifest_blob,))
        if not self.staging.has(sha256, size):
            return None
        with open(self.staging.path(sha256), "rb") as file:
            content = file.read()
        try:
            return records(json.loads(content.decode("utf-8")))
        except (ValueError, TypeError, KeyError):
            raise AgentError("bad_input", "the manifest is not a list of entries") from None

    def _answer(self, applied, manifest=False, blobs=(), written=0, removed=0, kept=()):
        need = {"manifest": manifest, "blobs": bounds.fitting(blobs, self.room, least=1)[0]} if manifest or blobs else None
        kept, _ = bounds.fitting(sorted(kept), self.room)
        return {
            "applied": applied, "tree": self.tree if applied else self.index["tree"], "need": need, "files_written": written,
            "files_removed": removed, "kept_modified": kept, "dir": self.folder,
        }

    def _load(self):
        """The index of what sync put there, and the plan of a sync that did not come to its end. `path` remembers nothing."""
        index = read_json(os.path.join(self.state, "index.json"))
        self.index = index if isinstance(index, dict) else {"tree": None, "entries": {}, "folders": []}
        self.entries = self.index["entries"]
        self.plan = read_json(os.path.join(self.state, "plan.json")) or {}

    def _wanted(self):
        """{path: record} of the wanted state; None if it cannot be known from here."""
        if self.tree is not None and self.tree == self.index["tree"]:
            return self.entries
        if self.manifest is not None:
            return self.manifest
        if self.base != self.index["tree"] or self.delta is None:
            return None
        changed, removed = self.delta
        wanted = {path: record for path, record in self.entries.items() if path not in set(removed)}
        wanted.update(changed)
        return wanted

    def _full(self, path):
        return os.path.join(self.root, path)

    def _changed(self, entries):
        """The paths whose state on disk is not the recorded one."""
        prefix, changed = self.root + "/", set()
        for path, (kind, mode, size, content, mtime_ns) in entries.items():
            try:
                info = os.lstat(prefix + path)
                if kind == "file":
                    same = info.st_size == size and info.st_mtime_ns == mtime_ns and info.st_mode == stat.S_IFREG | mode
                else:
                    same = stat.S_ISLNK(info.st_mode) and os.readlink(prefix + path) == content
            except OSError:
                same = False
            if not same:
                changed.add(path)
        return changed

    def _holds(self, path, record):
        """Whether the content on disk is that of the record, read if need be."""
        full = self._full(path)
        try:
            info = os.lstat(full)
            if record[0] == "symlink":
                return stat.S_ISLNK(info.st_mode) and os.readlink(full) == record[3]
            if not stat.S_ISREG(info.st_mode) or info.st_size != record[2]:
                return False
            if self.kind == "path" and info.st_size >= CACHED_FROM_BYTES:
                with Cache() as cache:
                    return cache.sha256(full) == record[3]
            return sha256_of(full) == record[3]
        except OSError:
            return False

    def _apply(self, wanted):
        folders = folders_of(wanted)
        check_links(wanted, folders)
        changed = self._changed(self.entries)
        obsolete, kept = self._obsolete(wanted, changed)
        new_folders = self._new_folders(folders, obsolete)
        self._check_ways(wanted, obsolete)
        done, write = self._compare(wanted, changed, new_folders)
        lacking = self._provide(write, changed)
        if lacking:
            return self._answer(False, blobs=lacking)
        made = new_folders | set(self.index["folders"]) | set(self.plan.get("folders", []))
        if write or obsolete or new_folders or self.plan:
            self._start(write, made)
        os.makedirs(self.root, exist_ok=True)
        in_the_way = {path for path in obsolete if path in folders or any(folder in wanted for folder in folders_of([path]))}
        removed = remove(map(self._full, in_the_way))
        for folder in sorted(new_folders):
            os.makedirs(self._full(folder), exist_ok=True)
        modes_set = sum(set_mode(self._full(path), record[1]) for path, record in done.items() if record[0] == "file")
        done.update(place(self.root, write, self.staging))
        # Last: until here a full disk has cost nothing that was not in the way.
        removed += remove(map(self._full, obsolete - in_the_way))
        self._finish(done, self._without_empty(made, folders))
        return self._answer(True, written=len(write) + modes_set, removed=removed, kept=kept)

    def _obsolete(self, wanted, changed):
        """(what sync put there and nobody touched, what somebody did) of all that is not wanted any more."""
        obsolete, kept = set(), []
        planned = self.plan.get("entries", {}) if self.kind != "path" else {}
        for path in (set(self.entries) | set(planned)) - set(wanted):
            if not os.path.lexists(self._full(path)) or not self._leads_inside(os.path.dirname(path)):
                continue
            records = [source[path] for source in (self.entries, planned) if path in source]
            if (path in self.entries and path not in changed) or any(self._holds(path, record) for record in records):
                obsolete.add(path)
            elif path in self.entries and not os.path.isdir(self._full(path)):
                kept.append(path)
        return obsolete, kept

    def _leads_inside(self, folder):
        return is_inside(os.path.realpath(self._full(folder)), self.root)

    def _new_folders(self, folders, obsolete):
        """The folders to be made. Nothing but what sync put there may be in their way, and no link may lead them elsewhere."""
        new = set()
        for folder in sorted(folders):
            full = self._full(folder)
            if folder in obsolete or os.path.dirname(folder) in new or not os.path.lexists(full):
                new.add(folder)
            elif os.path.islink(full) and not self._leads_inside(folder):
                raise AgentError("bad_input", "%s on the instance is a link that leads out of %s" % (full, self.folder))
            elif not os.path.isdir(full):
                raise AgentError("wrong_state", "%s on the instance is in the way of a folder, and sync did not put it there" % full)
        return new

    def _check_ways(self, wanted, obsolete):
        """A folder where a file is wanted may go only with all that is in it."""
        for path in wanted:
            full = self._full(path)
            if not is_folder(full):
                continue
            for at, below, names in os.walk(full):
                for name in names + [name for name in below if os.path.islink(os.path.join(at, name))]:
                    inside = os.path.relpath(os.path.join(at, name), self.root)
                    if inside not in obsolete:
                        raise AgentError("wrong_state", "%s in the way of a file on the instance is not from sync" % inside)

    def _compare(self, wanted, changed, new_folders):
        """({path: record} of what is in place, {path: record} of what must be written)."""
        done, write = {}, {}
        for path, record in wanted.items():
            old = self.entries.get(path)
            if os.path.dirname(path) in new_folders:
                write[path] = record
            elif old and path not in changed and old[0] == record[0] and old[2:4] == record[2:4]:
                done[path] = record[:4] + old[4:]
            elif self._holds(path, record):
                done[path] = record[:4] + [os.lstat(self._full(path)).st_mtime_ns]
            else:
                write[path] = record
        return done, write

    def _provide(self, write, changed):
        """Stages what can be had on the instance itself; the digests of the blobs that cannot."""
        here = {record[3]: path for path, record in self.entries.items() if record[0] == "file" and path not in changed}
        blobs = {record[3]: record[2] for record in write.values() if record[0] == "file" and record[2]}
        return [
            sha256 for sha256, size in blobs.items()
            if not self.staging.has(sha256, size) and not (sha256 in here and self.staging.copy_in(sha256, self._full(here[sha256])))
        ]

    def _start(self, write, made):
        planned = self.plan.get("entries", {})
        for path in planned:
            remove([temporary_of(self._full(path))])
        entries = dict(planned, **{path: record[:4] for path, record in write.items()})
        write_json(os.path.join(self.state, "plan.json"), {"entries": entries, "folders": sorted(made)})

    def _without_empty(self, made, folders):
        """Takes away folders that sync made and that nothing is in; gives the others."""
        left = []
        for folder in sorted(made, reverse=True):
            if folder not in folders and self._leads_inside(os.path.dirname(folder)):
                try:
                    os.rmdir(self._full(folder))
                    continue
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError:
                    pass
            left.append(folder)
        return left

    def _finish(self, entries, made):
        if self.kind != "path":
            write_json(os.path.join(self.state, "index.json"), {"tree": self.tree, "entries": entries, "folders": made})
        self.staging.clear()
        # The plan last: while it is there, the next sync tidies up what a kill left, halves of state files too.
        halves = [name for name in os.listdir(self.state) if name.startswith(".new-")]
        remove(os.path.join(self.state, name) for name in halves + ["plan.json"])
