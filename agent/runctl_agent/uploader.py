"""`_upload`: copies what a run writes to S3 while it goes on, and the rest when it has ended. A process of its own: what it waits for delays nothing."""

import concurrent.futures
import json
import os
import stat
import threading
import time
import traceback

from . import copies, paths, run_state, s3, s3_upload, uploads
from .clock import iso
from .digests import Cache, files_below, stamp_of
from .errors import AgentError
from .files import is_inside
from .jsonio import read_json, write_json
from .s3_uri import parse_uri

POLL_S = 0.5
LOG_EVERY_S = 60.0
LOG_BYTES = 1 << 20
# Where a script writes faster than that, the pieces grow.
MOST_LOG_BYTES = 8 << 20
OUTPUTS_EVERY_S = 180.0
OUTPUT_SETTLE_S = 5.0
RECORD_EVERY_S = 60.0
# An end that no file tells of (the machine was restarted, the supervisor killed) is found so soon.
LOOK_EVERY_S = 5.0
# In between it looks whether there is a new checkpoint.
OUTPUTS_AT_ONCE = 32
THREADS = 4
LONGEST_WAIT_S = 60.0
# After the run's end, without any success: the next contact begins anew.
GIVE_UP_S = 1800.0
# A checkpoint that is none by its looks may be one all the same; what is known to be broken is not copied.
WORTH = ("complete", "unverified")


def upload(folder, lock):
    """`lock`: the descriptor that holds `uploader.lock`."""
    os.set_inheritable(int(lock), False)
    os.ftruncate(int(lock), 0)
    os.pwrite(int(lock), json.dumps({"pid": os.getpid()}).encode(), 0)
    Uploader(os.path.basename(folder)).work()


class Uploader:
    def __init__(self, run_id):
        self._run_id, self._folder = run_id, paths.run_dir(run_id)
        self._run = run_state.load(run_id)
        bucket, self._prefix = parse_uri(uploads.prefix_of(self._run))
        self._bucket = s3.Bucket(bucket, self._run["output"]["access"])
        known = uploads.read(run_id)
        # `files`: {name below the prefix: {sha256, size, verified_at, checksum, stamp}}; `begun`: uploads in parts that are not complete.
        self._state = {"files": {}, "begun": {}, "offset": 0, "segments": 0, "error": None, "finished": False}
        self._state.update({key: known[key] for key in self._state if key in known})
        self._lock = threading.Lock()
        self._passed_over = set()
        self._earlier = read_json(self._folder / "earlier-outputs.json") or {}
        self._outputs, self._outputs_at, self._log_at, self._recorded_at = [], -1e9, time.monotonic(), -1e9
        self._recorded = self._seen = self._quiet = None
        self._known = []
        self._succeeded_at, self._failures = time.monotonic(), 0

    def _say(self, text):
        try:
            with open(str(self._folder / "supervisor.log"), "a", encoding="utf-8", errors="replace") as file:
                file.write("%s uploads: %s\n" % (iso(time.time()), text.rstrip()))
        except OSError:
            pass

    def _write(self, **facts):
        with self._lock:
            if any(self._state.get(key) != value for key, value in facts.items()):
                self._state.update(facts)
                self._save()

    def _save(self):
        try:
            write_json(self._folder / "uploads.json", self._state)
        except OSError as error:
            self._say("the state cannot be written: %s" % error)

    def work(self):
        if not self._state["finished"]:
            uploads.mark(self._run_id)
        while self._folder.exists():
            try:
                if self._state["finished"] or self._turn():
                    uploads.unmark(self._run_id)
                    return
                if self._failures == 0 and self._state["error"]:
                    self._write(error=None)
            except AgentError as error:
                self._failed(error)
            except Exception as error:  # the run must not suffer from it
                self._say(traceback.format_exc())
                self._failures += 1
                self._write(error="the upload failed unexpectedly: %r" % error)
            if self._failures and time.monotonic() - self._succeeded_at > GIVE_UP_S and self._has_ended():
                self._give_up()
                return
            if self._failures or not self._outputs:
                time.sleep(min(LONGEST_WAIT_S, POLL_S * 2 ** self._failures))

    def _failed(self, error):
        if error.message != self._state["error"]:
            self._say(error.message)
        self._failures += 1
        self._write(error=error.message)

    def _has_ended(self):
        return (read_json(self._folder / "run.json") or {"state": "stopped"})["state"] == "stopped"

    def _give_up(self):
        for name, begun in list(self._state["begun"].items()):
            s3_upload.abort(self._bucket, self._prefix + name, begun["upload_id"])
        self._write(begun={})

    def _signs(self):
        """Differs where there may be something to do."""
        def stamp(name):
            try:
                return stamp_of(os.stat(str(self._folder / name)))
            except OSError:
                return None
        now = time.monotonic()
        log_due = self._log_left() and (self._log_left() >= LOG_BYTES or now - self._log_at >= LOG_EVERY_S)
        return [stamp("checkpoints.json"), stamp("run.json"), stamp("exit.json"), bool(log_due), now - self._outputs_at >= OUTPUTS_EVERY_S,
                int(now / LOOK_EVERY_S)]

    def _turn(self):
        """Uploads what is there to be; True when nothing will come any more and all is there."""
        signs = self._signs()
        if signs == self._quiet:
            return False
        # Before the files: what is there when a run has ended does not change any more.
        ended = self._has_ended()
        if not ended and run_state.look(run_state.load(self._run_id))["state"] == "stopped":
            run_state.ensure_supervisor(self._run_id)  # it looks through the last checkpoints and writes the end down
        failure = None
        waiting = self._waiting_checkpoints()
        if not self._outputs and (ended or time.monotonic() - self._outputs_at >= OUTPUTS_EVERY_S):
            self._outputs, self._outputs_at = self._changed_outputs(ended), time.monotonic()
        self._count(waiting, ended)
        for checkpoint in waiting:
            failure = self._try(self._checkpoint, checkpoint, ended) or failure
            now_waiting = self._waiting_checkpoints()
            self._count(now_waiting, ended)
            if any(one not in waiting for one in now_waiting):
                break  # a newer one, most likely: it comes first
        failure = self._log(ended) or failure
        batch, self._outputs = self._outputs[:OUTPUTS_AT_ONCE], self._outputs[OUTPUTS_AT_ONCE:]
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for found in list(pool.map(lambda path: self._try(self._output, path, ended), batch)):
                failure = found or failure
        if batch:
            with self._lock:
                self._save()
        self._count(self._waiting_checkpoints(), ended)
        if failure:
            raise failure
        self._failures = 0
        left = ended and (self._waiting_checkpoints() or self._outputs or self._changed_outputs(True) or self._log_left())
        self._record(ended and not left)
        if ended and not left:
            self._write(finished=True, pending=0, pending_bytes=0, error=None)
        quiet = not ended and not self._outputs and not self._waiting_checkpoints()
        self._quiet = signs if quiet else None
        return bool(ended and not left)

    def _try(self, work, what, ended):
        """The failure of one file that need not stand in the way of others; raises what all of them would meet."""
        try:
            work(what, ended)
            self._succeeded_at = time.monotonic()
        except s3_upload.Changed:
            if ended:
                self._passed_over.add(str(what))  # nobody will judge it anew
        except FileNotFoundError:
            pass
        except UnicodeEncodeError:
            self._passed_over.add(str(what))
            self._say("a name that is not UTF-8 cannot be one in S3: %r" % (what,))
        except s3.S3Error as error:
            if not 400 <= error.status < 500 or error.status in (403, 404, 429):
                raise
            return error
        return None

    def _count(self, waiting, ended):
        sizes = [one["size_bytes"] for one in waiting] + [os.path.getsize(path) for path in self._outputs if os.path.exists(path)]
        # The log of a run that goes on is never all there, and nobody misses its last minute.
        left = self._log_left() if ended or self._log_left() >= LOG_BYTES else 0
        pending = len(sizes) + bool(left) + bool(ended)
        self._write(pending=pending, pending_bytes=sum(sizes) + left)

    def _done(self, name, sha256, size, checksum, verified_at, stamp=None):
        with self._lock:
            self._state["files"][name] = {"sha256": sha256, "size": size, "checksum": checksum, "verified_at": verified_at, "stamp": stamp}
            self._state["error"] = None
            if stamp is None:
                self._save()  # of results, which may be thousands, after a batch of them
        self._succeeded_at = time.monotonic()

    # Checkpoints.

    def _listed(self):
        """Reads them only when they have changed."""
        try:
            info = os.stat(str(self._folder / "checkpoints.json"))
        except OSError:
            return []
        if stamp_of(info) != self._seen:
            self._known = [one for one in run_state.recorded_checkpoints(self._run) if one["state"] in WORTH and one["sha256"]]
            self._seen = stamp_of(info)
        return self._known

    def _waiting_checkpoints(self):
        """The newest first: it is the one that would be missed most."""
        files = self._state["files"]

        def waits(one):
            entry = files.get(uploads.name_of(self._run, one))
            there = entry and entry["sha256"] == one["sha256"] and entry["verified_at"]
            return not there and str(one) not in self._passed_over and os.path.exists(self._full(one))

        return [one for one in self._listed()[::-1] if waits(one)]

    def _full(self, checkpoint):
        return os.path.join(self._run["project_dir"], checkpoint["path"])

    def _checkpoint(self, checkpoint, _ended):
        full, name = self._full(checkpoint), uploads.name_of(self._run, checkpoint)
        if os.path.isdir(full):
            self._folder_checkpoint(checkpoint, full, name)
            size, checksum = checkpoint["size_bytes"], None
        else:
            with Cache() as cache:
                if cache.sha256(full) != checkpoint["sha256"]:
                    raise s3_upload.Changed(full)
            size, checksum = self._verified(name, full, checkpoint["sha256"])
        now = iso(time.time())
        # First: who finds the upload done must find its place too.
        place = {"kind": "s3", "where": self._bucket.name, "path": self._prefix + name, "verified_at": now}
        copies.record_copy({"copies": [{"path": checkpoint["path"], "sha256": checkpoint["sha256"], "place": place}]})
        self._done(name, checkpoint["sha256"], size, checksum, now)

    def _folder_checkpoint(self, checkpoint, full, name):
        with Cache() as cache:
            files = [{"path": path, "size": os.path.getsize(os.path.join(full, path)), "sha256": cache.sha256(os.path.join(full, path))}
                     for path in files_below(full)]
        if s3_upload.sha256_of_listing(files) != checkpoint["sha256"]:
            raise s3_upload.Changed(full)
        for one in files:
            below = "%s/%s" % (name, one["path"])
            known = self._state["files"].get(below)
            if not known or known["sha256"] != one["sha256"] or not known["verified_at"]:
                size, checksum = self._verified(below, os.path.join(full, one["path"]), one["sha256"])
                self._done(below, one["sha256"], size, checksum, iso(time.time()))
        manifest = dict({key: checkpoint[key] for key in ("path", "sha256", "step", "epoch", "modified_at")}, files=files)
        self._put_json(name + ".manifest.json", manifest)

    def _verified(self, name, full, sha256):
        """Sends it and looks whether it is there: (size, checksum)."""
        size = os.path.getsize(full)
        known = self._state["files"].get(name)
        # Sent before, and S3 would not say whether it is there: only that is asked again.
        if not known or known["sha256"] != sha256:
            self._done(name, sha256, size, self._put(name, full, size, sha256), None)
        checksum = self._state["files"][name]["checksum"]
        if not s3_upload.is_there(self._bucket, self._prefix + name, size, sha256, checksum):
            with self._lock:
                del self._state["files"][name]
            raise s3.S3Error(0, None, "%s is not there as it was sent; it is sent again" % self._bucket.uri(self._prefix + name))
        return size, checksum

    def _put(self, name, full, size, sha256):
        begun = self._state["begun"].get(name)

        def remember(value):
            with self._lock:
                self._state["begun"].pop(name, None)
                if value:
                    self._state["begun"][name] = dict(value, sha256=sha256)
                self._save()

        if begun and begun["sha256"] != sha256:
            s3_upload.abort(self._bucket, self._prefix + name, begun["upload_id"])
            begun = None
        before = stamp_of(os.stat(full))
        checksum = s3_upload.put(self._bucket, self._prefix + name, full, size, sha256, begun, remember)
        if stamp_of(os.stat(full)) != before:
            raise s3_upload.Changed(full)
        return checksum

    # The log, in pieces that are never changed once the next one is there.

    def _log_size(self):
        try:
            return os.path.getsize(str(self._folder / "log"))
        except OSError:
            return 0

    def _log_left(self):
        return max(0, self._log_size() - self._state["offset"])

    def _log(self, ended):
        while True:
            left = self._log_left()
            due = left >= LOG_BYTES or left and (ended or time.monotonic() - self._log_at >= LOG_EVERY_S)
            if self._log_size() < self._state["offset"]:
                self._write(offset=0)  # cut off: what is in it now is new
            elif not due:
                return
            else:
                self._log_piece(ended)

    def _log_piece(self, ended):
        with open(str(self._folder / "log"), "rb") as file:
            file.seek(self._state["offset"])
            piece = file.read(MOST_LOG_BYTES)
        if len(piece) == MOST_LOG_BYTES or not ended:
            piece = piece[:piece.rfind(b"\n") + 1] or piece
        self._bucket.request("PUT", "%slog/%06d.log" % (self._prefix, self._state["segments"] + 1), None, {"content-type": "text/plain"}, piece)
        self._log_at = self._succeeded_at = time.monotonic()
        self._write(offset=self._state["offset"] + len(piece), segments=self._state["segments"] + 1)

    # Other results.

    def _changed_outputs(self, ended):
        """Files below the output folder that this run wrote and that are not there yet; checkpoints go their own way."""
        root, checkpoint_dir, found, now = self._run["output_dir"], self._run["checkpoint_dir"], [], time.time()
        own = {os.path.realpath(self._full(one)) for one in run_state.recorded_checkpoints(self._run)}
        real_root = os.path.realpath(root)
        if not is_inside(real_root, os.path.realpath(checkpoint_dir)):
            own.add(os.path.realpath(checkpoint_dir))
        for path in files_below(root):
            full = os.path.join(root, path)
            try:
                real, info = os.path.realpath(full), os.stat(full)
            except OSError:
                continue
            way = real.split("/")
            foreign = not is_inside(real, real_root) or any("/".join(way[:length]) in own for length in range(2, len(way) + 1))
            settled = ended or now - info.st_mtime >= OUTPUT_SETTLE_S and not path.endswith((".tmp", ".part", ".partial"))
            known = self._state["files"].get("outputs/" + path)
            if (not foreign and settled and stat.S_ISREG(info.st_mode) and full not in self._passed_over
                    and self._earlier.get(path) != stamp_of(info) and not (known and known["stamp"] == stamp_of(info))):
                found.append(full)
        return found

    def _output(self, full, _ended):
        name = "outputs/" + os.path.relpath(full, self._run["output_dir"])
        before = stamp_of(os.stat(full))
        with Cache() as cache:
            sha256 = cache.sha256(full)
        known = self._state["files"].get(name)
        checksum = known["checksum"] if known and known["sha256"] == sha256 else self._put(name, full, before[0], sha256)
        self._done(name, sha256, before[0], checksum, None, before)

    # What there is, and how the run stands.

    def _put_json(self, name, value):
        body = (json.dumps(value, indent=2) + "\n").encode("ascii")
        self._bucket.request("PUT", self._prefix + name, None, {"content-type": "application/json"}, body)
        self._succeeded_at = time.monotonic()

    def _record(self, last):
        """run.json: early, so that there is something to go on with should the machine be lost; whole at the end."""
        facts = {name: entry["sha256"] for name, entry in self._state["files"].items()}
        if not last and (not facts or facts == self._recorded or time.monotonic() - self._recorded_at < RECORD_EVERY_S):
            return
        listed = []
        for one in self._listed():
            entry = self._state["files"].get(uploads.name_of(self._run, one))
            if entry and entry["sha256"] == one["sha256"] and entry["verified_at"]:
                listed.append(dict(
                    {key: one[key] for key in ("path", "state", "format", "sha256", "step", "epoch", "size_bytes", "modified_at")},
                    uri=self._bucket.uri(self._prefix + uploads.name_of(self._run, one)), verified_at=entry["verified_at"]))
        outputs = [{"path": name[8:], "sha256": entry["sha256"], "size_bytes": entry["size"]}
                   for name, entry in sorted(self._state["files"].items()) if name.startswith("outputs/")]
        status = run_state.status_of(self._run_id, revive=False)
        if last:
            status["upload"] = dict(status["upload"], pending=0, pending_bytes=0, error=None)
        self._put_json("run.json", {
            "run": status, "checkpoints": listed, "outputs": outputs, "complete": bool(last),
            "log": {"segments": self._state["segments"], "bytes": self._state["offset"]}, "written_at": iso(time.time()),
        })
        self._recorded, self._recorded_at = facts, time.monotonic()
