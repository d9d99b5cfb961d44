"""Brings the checkpoint that a run resumes from out of S3: by ranges, verified, gone on with after a kill.

Longer than most: which it is, what must be there, and how the pieces come.
"""

import contextlib
import errno
import glob
import http.client
import json
import os
import queue
import shutil
import threading
import time

from . import checkpoints, digests, locks, manifests, paths, run_state, s3
from .errors import AgentError
from .s3_upload import MARK
from .s3_uri import parse_uri
from .upload_ledger import shown_size

THREADS = 8
PIECE_BYTES = 32 << 20
SPARE_BYTES = 64 << 20
SAY_EVERY_S = 5.0
PARTIAL = ".partial"
FULL = (errno.ENOSPC, errno.EDQUOT)
# Of these the next candidate is taken; anything else (no way to S3, a full disk) says nothing about the checkpoint.
PASSED_OVER = ("verification_failed", "not_found")


def bring(run, say, check, note):
    """(candidate with what is known of it now, its path). `note(skipped)` is told what was passed over. AgentError."""
    skipped = list(run.get("resume_skipped") or ())
    for candidate in run["resume"]["candidates"]:
        if any(one["path"] == candidate["from"] for one in skipped):
            continue  # by an earlier supervisor
        try:
            return _brought(candidate, run["resume"]["access"], say, check)
        except AgentError as error:
            if error.code not in PASSED_OVER:
                raise
            skipped.append({"path": candidate["from"], "why": error.message})
            say("resume: %s is passed over: %s" % (candidate["from"], error.message))
            note(skipped)
    looked_at = "; ".join("%s: %s" % (one["path"], one["why"]) for one in skipped[:3])
    raise AgentError("verification_failed", "none of the %d checkpoints to resume from is good: %s" % (len(run["resume"]["candidates"]), looked_at))


def _brought(candidate, access, say, check):
    if candidate["path"]:
        with digests.Cache() as cache:
            if not os.path.exists(candidate["path"]) or _sha256_of(candidate["path"], cache) != candidate["sha256"]:
                raise AgentError("verification_failed", "it is gone or has changed since the start")
        return candidate, candidate["path"]
    fetch = _Fetch(candidate, access, say)
    try:
        path = fetch.run(check)
    finally:
        fetch.bucket.close()
    return dict(candidate, **fetch.learned), path


def _sha256_of(path, cache):
    if not os.path.isdir(path):
        return cache.sha256(path)
    return digests.sha256_of_listing([{"path": name, "sha256": cache.sha256(os.path.join(path, name))} for name in digests.files_below(path)])


def _folder_of(sha256):
    return str(paths.made("resumed") / sha256[:16])


def remove_unused():
    """What no active run resumed from, or may."""
    used = set()
    for run_id in run_state.all_ids():
        with contextlib.suppress(AgentError):
            run = run_state.load(run_id)
            if run.get("resume") and run_state.look(run)["state"] != "stopped":
                used.update(os.path.basename(_folder_of(one["sha256"])) for one in run["resume"]["candidates"] if one["stored"])
    root = str(paths.made("resumed"))
    for name in os.listdir(root):
        if name.partition(".")[0] not in used:
            shutil.rmtree(os.path.join(root, name), ignore_errors=True)
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(root, name))


class _Fetch:
    def __init__(self, candidate, access, say):
        self._stored, self._say = candidate["stored"], say
        self._uri = self._stored["uri"]
        name, self._key = parse_uri(self._uri)
        self._over = threading.Event()
        self.bucket = s3.Bucket(name, access, should_stop=self._over.is_set)
        self._home = _folder_of(self._stored["sha256"])
        self._name = os.path.basename(self._key)
        self._partial = os.path.join(self._home, PARTIAL)
        self._target = os.path.join(self._home, self._name)
        self._lock = threading.Lock()
        self._total = self._done_bytes = 0
        self._failure, self._result = None, None
        # What the content itself tells where it is not the one of the candidate.
        self.learned = {}

    def run(self, check):
        os.makedirs(self._home, mode=0o700, exist_ok=True)
        lock = None
        while lock is None:
            # Two runs that resume from the same: the second waits, and finds it there.
            check()
            lock = locks.acquire(self._home + ".lock", wait_s=0.5)
        try:
            thread = threading.Thread(target=self._in_background, daemon=True)
            thread.start()
            said = time.monotonic()
            while thread.is_alive():
                check()
                thread.join(0.1)
                if time.monotonic() - said >= SAY_EVERY_S and self._total:
                    said = time.monotonic()
                    self._say("resume: %s of %s" % (shown_size(self._done_bytes), shown_size(self._total)))
        finally:
            self._over.set()
            os.close(lock)
        if self._failure:
            raise self._failure
        return self._result

    def _in_background(self):
        try:
            self._result = self._fetched()
        except (AgentError, OSError) as error:
            self._failure = error
        except Exception as error:
            self._failure = AgentError("platform_failed", "%s cannot be fetched: %r" % (self._uri, error))

    def _fetched(self):
        wanted, files = self._wanted()
        if os.path.exists(self._target):
            with digests.Cache() as cache:
                if _sha256_of(self._target, cache) == wanted:
                    self._learn(wanted)
                    return self._target
            shutil.rmtree(self._target, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.unlink(self._target)
        resumed = self._begin(wanted)
        if not self._is_whole(wanted, files):
            # Of pieces from before a crash nobody knows whether they had reached the disk: those once more.
            if not resumed:
                raise self._unverified()
            shutil.rmtree(self._partial)
            self._begin(wanted)
            if not self._is_whole(wanted, files):
                raise self._unverified()
        self._learn(wanted, os.path.join(self._partial, self._name))
        os.rename(os.path.join(self._partial, self._name), self._target)
        shutil.rmtree(self._partial, ignore_errors=True)
        self._say("resume: %s in %s, verified" % (self._uri, shown_size(self._total)))
        return self._target

    def _unverified(self):
        return AgentError("verification_failed", "its bytes do not have the digest that they should have")

    def _wanted(self):
        """(SHA-256, {path, size, sha256, key} of its files)."""
        if self._stored["kind"] == "folder":
            try:
                manifest = json.loads(self.bucket.request("GET", manifests.key_of(self._key)).body.decode("utf-8"))
            except ValueError:
                raise AgentError("verification_failed", "its manifest is not JSON")
            except s3.S3Error as error:
                raise AgentError("not_found", "it is gone") if error.status == 404 else error
            files = manifests.checked_files(manifest, self._uri)
            if manifest["sha256"] != self._stored["sha256"]:
                raise AgentError("verification_failed", "another one has taken its place")
            return manifest["sha256"], [dict(one, key="%s/%s" % (self._key, one["path"])) for one in files]
        headers = self.bucket.head(self._key)
        if headers is None:
            raise AgentError("not_found", "it is gone")
        size, mark = int(headers.get("content-length") or 0), headers.get(MARK)
        if not mark and size != self._stored["size_bytes"]:
            raise AgentError("verification_failed", "it has %d bytes and should have %d" % (size, self._stored["size_bytes"]))
        # Written again, and the machine was lost before its manifest: what came whole and proves complete is good all the same.
        wanted = mark or self._stored["sha256"]
        return wanted, [{"path": "", "size": size, "sha256": wanted, "key": self._key}]

    def _learn(self, wanted, path=None):
        if wanted == self._stored["sha256"]:
            return
        path = path or self._target
        found = checkpoints.list_checkpoints(os.path.dirname(path), None, [glob.escape(os.path.basename(path))], ended=True)
        if not found or found[0]["state"] != "complete":
            raise AgentError("verification_failed", "another one has taken its place, and that is %s" % (found[0]["state_detail"] if found else "none"))
        self.learned = {"step": found[0]["step"], "epoch": found[0]["epoch"], "sha256": wanted}
        self._say("resume: %s was written again after its manifest; it is complete" % self._uri)

    # Fetching.

    def _begin(self, wanted):
        """Whether something of just this is there already."""
        journal = os.path.join(self._partial, ".pieces")
        self._done = set()
        with contextlib.suppress(OSError, ValueError):
            with open(journal, encoding="ascii") as file:
                lines = file.read().split("\n")
            if lines[0] == wanted:
                # The last line may be cut off.
                self._done = {tuple(map(int, line.split())) for line in lines[1:-1]}
        if not self._done:
            shutil.rmtree(self._partial, ignore_errors=True)
            os.mkdir(self._partial)
            with open(journal, "w", encoding="ascii") as file:
                file.write(wanted + "\n")
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND)
        return bool(self._done)

    def _full(self, file):
        root = os.path.join(self._partial, self._name)
        return os.path.join(root, file["path"]) if file["path"] else root

    def _is_whole(self, wanted, files):
        try:
            self._fetch(files)
        finally:
            os.close(self._journal)
        listing = []
        for file in files:
            if self._over.is_set():
                raise AgentError("platform_failed", "called off")
            digest = digests.sha256_of(self._full(file))
            if digest != file["sha256"]:
                return False
            listing.append({"path": file["path"], "sha256": digest})
        return (digests.sha256_of_listing(listing) if self._stored["kind"] == "folder" else listing[0]["sha256"]) == wanted

    def _fetch(self, files):
        work = queue.Queue()
        self._total, self._done_bytes = sum(file["size"] for file in files), 0
        for number, file in enumerate(files):
            for begin in range(0, file["size"], PIECE_BYTES):
                end = min(file["size"], begin + PIECE_BYTES)
                if (number, begin) in self._done:
                    self._done_bytes += end - begin
                else:
                    work.put((number, file, begin, end))
        need, free = self._total - self._done_bytes + SPARE_BYTES, shutil.disk_usage(self._partial).free
        if work.qsize() and need > free:
            raise AgentError("platform_failed", "%s needs %s, and the instance's disk has %s free: use a larger disk" % (self._uri, shown_size(need), shown_size(free)))
        for file in files:
            os.makedirs(os.path.dirname(self._full(file)), exist_ok=True)
            with open(self._full(file), "ab") as made:
                made.truncate(file["size"])
        failures = []

        def worker():
            while not failures and not self._over.is_set():
                try:
                    number, file, begin, end = work.get_nowait()
                except queue.Empty:
                    return
                try:
                    self._piece(file, begin, end)
                    with self._lock:
                        os.write(self._journal, b"%d %d\n" % (number, begin))
                except Exception as error:
                    failures.append(error)

        threads = [threading.Thread(target=worker, daemon=True) for _ in range(min(THREADS, work.qsize()))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        if self._over.is_set():
            raise AgentError("platform_failed", "called off")

    def _piece(self, file, begin, end):
        at, lost = begin, 0
        with open(self._full(file), "r+b") as target:
            while at < end:
                try:
                    with self.bucket.open("GET", file["key"], None, {"range": "bytes=%d-%d" % (at, end - 1)}) as answer:
                        if answer.status != 206:
                            raise AgentError("platform_failed", "%s gives no part of %s" % (self.bucket.name, file["key"]))
                        target.seek(at)
                        while at < end:
                            block = answer.read(min(s3.BLOCK, end - at))
                            if not block:
                                raise OSError("the connection ended early")
                            target.write(block)
                            at, lost = at + len(block), 0
                            with self._lock:
                                self._done_bytes += len(block)
                            if self._over.is_set():
                                raise AgentError("platform_failed", "called off")
                except s3.S3Error as error:
                    if error.status == 416:
                        raise AgentError("verification_failed", "it is shorter than it should be")
                    raise AgentError("not_found", "%s is gone" % file["key"]) if error.status == 404 else error
                except (OSError, http.client.HTTPException) as error:
                    lost += 1
                    if getattr(error, "errno", None) in FULL or lost >= s3.TRIES:
                        raise AgentError("platform_failed", "%s cannot be fetched: %s" % (self._uri, error))
                    time.sleep(min(2.0, 0.1 * 2 ** lost))
