"""Brings what lies below an S3 URI into a folder of the instance: only what changed, verified, in parallel."""

import contextlib
import errno
import hashlib
import http.client
import os
import queue
import shutil
import threading
import time

from . import locks, paths, placing, s3
from .errors import AgentError
from .files import checked_relative, is_inside
from .jsonio import read_json, write_json
from .s3_uri import data_folder, parse_uri
from .s3_verify import how_verified

THREADS = 8
# A large file comes in pieces, so that one alone uses all threads too.
PIECE_BYTES = 32 << 20
TRIES = 3
SPARE_BYTES = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT)
SAY_EVERY_S = 5.0
SAVE_EVERY_S = 10.0
PARTIAL = ".runctl-partial"


def fetch(source, say, check):
    """`source`: {uri, access}. `say(line)` is told how far it is; `check()` raises where it is to be called off. AgentError, OSError."""
    folder = data_folder(source["uri"])
    os.makedirs(folder, exist_ok=True)
    state = str(paths.made("data") / os.path.basename(folder))
    lock = None
    while lock is None:
        # Two runs with the same data: the second waits, and finds all of it there.
        check()
        lock = locks.acquire(state + ".lock", wait_s=0.5)
    try:
        fetch = _Fetch(source, folder, state + ".json", say, check)
        try:
            fetch.run()
        finally:
            fetch.bucket.close()
    finally:
        os.close(lock)


def _size(count):
    return "%.1f GB" % (count / 1e9) if count >= 1e9 else "%.1f MB" % (count / 1e6)


class _File:
    def __init__(self, path, key, size, etag):
        self.path, self.key, self.size, self.etag = path, key, size, etag
        self.tries, self.left, self.encrypted = 0, 0, False


class _Fetch:
    def __init__(self, source, folder, index_path, say, check):
        self._uri, self._folder, self._index_path, self._say, self._check = source["uri"], folder, index_path, say, check
        self._root = os.path.realpath(folder)
        self._partial = os.path.join(self._root, PARTIAL)
        self._over = threading.Event()
        bucket, self._key = parse_uri(self._uri)
        self.bucket = s3.Bucket(bucket, source["access"], should_stop=self._over.is_set)
        index = read_json(index_path)
        # {path: {size, etag, mtime_ns, verified}}; of a file that was not put here by us there is nothing in it.
        self._known = index["files"] if isinstance(index, dict) and index.get("uri") == self._uri else {}
        self._lock = threading.Lock()
        self._done_bytes, self._failure = 0, None

    def run(self):
        # Also the look at what there is may take long, and must end at once when it is called off.
        wanted = self._in_background(self._list)
        to_fetch = [file for file in wanted.values() if not self._is_here(file)]
        gone = [path for path in self._known if path not in wanted]
        for path in gone:
            self._remove(path)
        shutil.rmtree(self._partial, ignore_errors=True)
        self._make_room(to_fetch)
        try:
            if to_fetch:
                self._fetch_all(to_fetch, len(wanted))
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)
        self._save()
        total = sum(file.size for file in wanted.values())
        by_size = sum(1 for path in wanted if self._known[path]["verified"] == "size")
        unsure = "; %d of them could be checked by their size alone" % by_size if by_size else ""
        self._say("data: %d files, %s in %s (%d had changed, %d were removed)%s" % (len(wanted), _size(total), self._folder, len(to_fetch), len(gone), unsure))

    def _in_background(self, work):
        found = []

        def go():
            try:
                found.append(work())
            except BaseException as error:
                self._failure = error

        thread = threading.Thread(target=go, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                self._check()
                thread.join(0.1)
        except BaseException:
            self._over.set()
            raise
        self._raise_failure()
        return found[0]

    def _raise_failure(self):
        if self._failure is None:
            return
        if isinstance(self._failure, AgentError):
            raise self._failure
        if isinstance(self._failure, OSError) and self._failure.errno in FULL:
            raise AgentError("platform_failed", "the instance's disk became full while the data in %s was fetched: use a larger disk, or a narrower prefix" % self._uri)
        raise AgentError("platform_failed", "the data in %s could not be brought: %r" % (self._uri, self._failure)) from self._failure

    # What there is, and what of it is here.

    def _list(self):
        """{path: _File} of a single object, or of all below a prefix."""
        single = self._single()
        if single:
            return {single.path: single}
        prefix = self._key if not self._key or self._key.endswith("/") else self._key + "/"
        found = {}
        for one in self.bucket.list(prefix):
            path = one["key"][len(prefix):]
            if not path or path.endswith("/"):
                continue  # made by a console to show a folder
            self._add(found, path, one)
        if not found:
            raise AgentError("not_found", "nothing at %s: check the name (aws s3 ls %s)" % (self._uri, self._uri))
        folders = {path[:index] for path in found for index, letter in enumerate(path) if letter == "/"}
        clash = next((path for path in found if path in folders), None)
        if clash:
            raise AgentError("bad_input", "%s is both an object and a folder of others: name a narrower prefix" % self.bucket.uri(prefix + clash))
        return found

    def _add(self, found, path, one):
        try:
            checked_relative(path)
            if path.split("/")[0] == PARTIAL:
                raise AgentError("bad_input", "reserved")
            os.fsencode(path)
        except (AgentError, UnicodeError):
            raise AgentError("bad_input", "the key %r below %s would leave the data folder or is no file name: rename it there, or name a narrower prefix; "
                             "nothing was fetched" % (one["key"], self._uri))
        found[path] = _File(path, one["key"], one["size"], one["etag"])

    def _single(self):
        if not self._key or self._key.endswith("/"):
            return None
        try:
            headers = self.bucket.head(self._key)
        except s3.S3Error as error:
            if error.status != 403:
                raise
            return None  # without the right to list, also a missing key is refused; the listing tells what is lacking
        if headers is None:
            return None
        found = {}
        size = int(headers.get("content-length") or 0)
        self._add(found, self._key.rpartition("/")[2], {"key": self._key, "size": size, "etag": (headers.get("etag") or "").strip('"')})
        return next(iter(found.values()))

    def _is_here(self, file):
        known = self._known.get(file.path)
        try:
            info = os.lstat(self._full(file.path))
        except OSError:
            return False
        return bool(known) and (known["size"], known["etag"]) == (file.size, file.etag) and (info.st_size, info.st_mtime_ns) == (file.size, known["mtime_ns"])

    def _full(self, path):
        return os.path.join(self._root, path)

    def _remove(self, path):
        """What was put here and nobody has touched since."""
        full, known = self._full(path), self._known.pop(path)
        folder = os.path.dirname(full)
        try:
            info = os.lstat(full)
            if is_inside(os.path.realpath(folder), self._root) and (info.st_size, info.st_mtime_ns) == (known["size"], known["mtime_ns"]):
                os.unlink(full)
            while folder != self._root:
                os.rmdir(folder)
                folder = os.path.dirname(folder)
        except OSError:
            pass  # gone, or still in use

    def _make_room(self, to_fetch):
        need, free = sum(file.size for file in to_fetch) + SPARE_BYTES, shutil.disk_usage(self._root).free
        if to_fetch and need > free:
            raise AgentError("platform_failed", "the data in %s needs %s, and the instance's disk has %s free: use a larger disk, or a narrower prefix" % (
                self._uri, _size(need), _size(free)))

    # Fetching.

    def _fetch_all(self, to_fetch, total):
        os.mkdir(self._partial)
        self._work, self._left, started = queue.Queue(), len(to_fetch), 0
        files = iter(sorted(to_fetch, key=lambda file: -file.size))
        threads = [threading.Thread(target=self._worker, daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        said = saved = time.monotonic()
        try:
            while self._left and self._failure is None:
                self._check()
                while self._work.qsize() < 8 * THREADS and started < len(to_fetch):
                    self._begin(next(files))
                    started += 1
                time.sleep(0.02)
                if time.monotonic() - said >= SAY_EVERY_S:
                    said = time.monotonic()
                    self._say("data: %d of %d files, %s" % (total - self._left, total, _size(self._done_bytes)))
                if time.monotonic() - saved >= SAVE_EVERY_S:
                    saved = time.monotonic()
                    with self._lock:
                        self._save()
        finally:
            self._over.set()
            for _ in threads:
                self._work.put(None)
            with self._lock, contextlib.suppress(OSError):
                self._save()
        self._raise_failure()

    def _temporary(self, file):
        return os.path.join(self._partial, hashlib.sha256(os.fsencode(file.path)).hexdigest()[:32])

    def _begin(self, file):
        with open(self._temporary(file), "wb") as made:
            made.truncate(file.size)
        offsets = range(0, max(1, file.size), PIECE_BYTES)
        file.tries, file.left = file.tries + 1, len(offsets)
        for offset in offsets:
            self._work.put((file, offset, min(file.size, offset + PIECE_BYTES)))

    def _worker(self):
        while True:
            piece = self._work.get()
            if piece is None or self._over.is_set():
                return
            try:
                file, begin, end = piece
                if end > begin:
                    self._piece(file, begin, end)
                with self._lock:
                    file.left -= 1
                    last = not file.left
                if last:
                    self._whole(file)
            except BaseException as error:
                if not self._over.is_set():
                    with self._lock:
                        self._failure = self._failure or error
                    self._over.set()
                return

    def _piece(self, file, begin, end):
        """Goes on where a lost connection broke off."""
        at, lost = begin, 0
        with open(self._temporary(file), "r+b") as target:
            while at < end:
                # If it changes under way, there is nothing to put together.
                headers = {"range": "bytes=%d-%d" % (at, end - 1)}
                if file.etag:
                    headers["if-match"] = '"%s"' % file.etag
                try:
                    with self.bucket.open("GET", file.key, None, headers) as answer:
                        file.encrypted = "kms" in (answer.headers.get("x-amz-server-side-encryption") or "")
                        if answer.status != 206 and (begin, end) != (0, file.size):
                            raise s3.S3Error(200, None, "%s does not give a part of %s" % (self._uri, file.key))
                        if answer.status != 206:
                            at = begin
                        target.seek(at)
                        while at < end:
                            block = answer.read(min(s3.BLOCK, end - at))
                            if not block:
                                raise OSError("the connection ended early")
                            target.write(block)
                            at, lost = at + len(block), 0
                            if self._over.is_set():
                                return
                except s3.S3Error as error:
                    if error.status == 412:
                        raise AgentError("platform_failed", "%s changed while it was fetched: start the run again when the data holds still" % self.bucket.uri(file.key))
                    raise
                except (OSError, http.client.HTTPException) as error:
                    if getattr(error, "errno", None) in FULL:
                        raise
                    lost += 1
                    if lost >= s3.TRIES:
                        raise AgentError("platform_failed", "%s cannot be fetched: %s" % (self.bucket.uri(file.key), error))
                    time.sleep(min(2.0, 0.1 * 2 ** lost))
        with self._lock:
            self._done_bytes += end - begin

    def _whole(self, file):
        temporary = self._temporary(file)
        verified = how_verified(self.bucket, file, temporary)
        if verified is None:
            with self._lock:
                self._done_bytes -= file.size
            if file.tries >= TRIES:
                raise AgentError("verification_failed", "%s does not arrive whole: its bytes do not have the checksum that S3 gives, %d times" % (
                    self.bucket.uri(file.key), TRIES))
            return self._begin(file)
        full = self._full(file.path)
        folder = os.path.dirname(full)
        if not os.path.isdir(folder):
            self._make_folders(file.path)
        self._must_be_ours(folder)
        if placing.is_folder(full):
            raise AgentError("wrong_state", "the folder %s on the instance is in the way of a file of the data: move it away" % full)
        os.chmod(temporary, 0o644)
        os.replace(temporary, full)
        with self._lock:
            self._known[file.path] = {"size": file.size, "etag": file.etag, "mtime_ns": os.lstat(full).st_mtime_ns, "verified": verified}
            self._left -= 1

    def _make_folders(self, path):
        at = self._root
        for part in path.split("/")[:-1]:
            at = os.path.join(at, part)
            with contextlib.suppress(FileExistsError):
                os.mkdir(at)
            self._must_be_ours(at)

    def _must_be_ours(self, folder):
        if not os.path.isdir(folder) or not is_inside(os.path.realpath(folder), self._root):
            raise AgentError("wrong_state", "%s on the instance is in the way of a folder of the data: move it away" % folder)

    def _save(self):
        write_json(self._index_path, {"uri": self._uri, "files": dict(self._known)})
