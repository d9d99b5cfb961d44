"""`_upload`: copies what a run writes to S3 while it goes on, and the rest when it has ended. A process of its own: what it waits for delays nothing.

Longer than most: one turn, and what it does with each kind of file.
"""

import concurrent.futures
import json
import os
import signal
import time
import traceback

from . import locks, manifests, paths, run_state, s3, s3_upload, tags, upload_log, upload_outputs, uploads
from .clock import iso
from .digests import Cache, files_below, sha256_of_listing, stamp_of
from .errors import AgentError
from .jsonio import read_json
from .s3_uri import parse_uri
from .upload_ledger import Ledger
from .upload_log import LogPieces

POLL_S = 0.5
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
# The same where the machine is shutting down and waits.
GIVE_UP_TOLD_S = 20.0
# A checkpoint that is none by its looks may be one all the same; what is known to be broken is not copied.
WORTH = ("complete", "unverified")


def upload(folder, lock):
    """`lock`: the descriptor that holds `uploader.lock`."""
    locks.take_over(lock)
    uploader = Uploader(os.path.basename(folder))
    # The machine is going down, most likely in the middle of a save: what is left is to get there now.
    signal.signal(signal.SIGTERM, lambda *_: uploader.hurry())
    uploader.work()


class Uploader:
    def __init__(self, run_id):
        self._run_id, self._folder = run_id, paths.run_dir(run_id)
        self._run = run_state.load(run_id)
        bucket, self._prefix = parse_uri(uploads.prefix_of(self._run))
        self._bucket = s3.Bucket(bucket, self._run["output"]["access"], should_stop=self._is_overtaken)
        self._current, self._overtaken, self._asked_at, self._ended_turn = None, False, 0.0, False
        self._ledger = Ledger(run_id, self._say)
        self._state = self._ledger.state
        self._passed_over = set()
        self._earlier = read_json(self._folder / "earlier-outputs.json") or {}
        self._outputs, self._outputs_at, self._recorded_at = [], -1e9, -1e9
        self._log = LogPieces(self._folder, self._bucket, self._prefix, self._ledger)
        self._recorded = self._seen = self._quiet = self._tags_seen = None
        self._known, self._cache = [], None
        self._succeeded_at, self._failures, self._told_at = time.monotonic(), 0, None

    def hurry(self):
        """Tries again soon, and not for long once the run has ended."""
        if self._told_at is None:
            self._told_at, self._failures = time.monotonic(), 0

    def _say(self, text):
        try:
            with open(str(self._folder / "supervisor.log"), "a", encoding="utf-8", errors="replace") as file:
                file.write("%s uploads: %s\n" % (iso(time.time()), text.rstrip()))
        except OSError:
            pass

    def work(self):
        if not self._state["finished"]:
            uploads.mark(self._run_id)
        while self._folder.exists():
            try:
                if self._state["finished"]:
                    self._put_tags()  # of what was named since
                if self._state["finished"] or self._turn():
                    self._ledger.save()
                    uploads.unmark(self._run_id)
                    return
                if self._failures == 0 and self._state["error"]:
                    self._ledger.change(error=None)
            except AgentError as error:
                self._failed(error)
            except Exception as error:  # the run must not suffer from it
                self._say(traceback.format_exc())
                self._failures += 1
                self._ledger.change(error="the upload failed unexpectedly: %r" % error)
            self._ledger.save()
            if self._failures and self._is_hopeless() and self._has_ended():
                self._give_up()
                return
            if self._failures or not self._outputs:
                self._pause(min(LONGEST_WAIT_S, POLL_S * 2 ** self._failures))

    def _pause(self, seconds):
        told_at, until = self._told_at, time.monotonic() + seconds
        while time.monotonic() < until and self._told_at == told_at:
            time.sleep(min(POLL_S, seconds))

    def _is_hopeless(self):
        since, limit_s = (self._succeeded_at, GIVE_UP_S) if self._told_at is None else (max(self._told_at, self._succeeded_at), GIVE_UP_TOLD_S)
        return time.monotonic() - since > limit_s

    def _failed(self, error):
        if error.message != self._state["error"]:
            self._say(error.message)
        self._failures += 1
        self._ledger.change(error=error.message)

    def _has_ended(self):
        return (read_json(self._folder / "run.json") or {"state": "stopped"})["state"] == "stopped"

    def _give_up(self):
        if self._told_at is not None:
            return  # after the restart it is gone on with
        for name, begun in list(self._state["begun"].items()):
            s3_upload.abort(self._bucket, self._prefix + name, begun["upload_id"])
        self._ledger.change(begun={})

    def _signs(self):
        """Differs where there may be something to do."""
        def stamp(name):
            return _stamp(str(self._folder / name))
        now = time.monotonic()
        return [stamp("checkpoints.json"), stamp("run.json"), stamp("exit.json"), self._log.is_due(False), now - self._outputs_at >= OUTPUTS_EVERY_S,
                int(now / LOOK_EVERY_S), _stamp(tags.file_path())]

    def _turn(self):
        """Uploads what is there to be; True when nothing will come any more and all is there."""
        signs = self._signs()
        if signs == self._quiet:
            return False
        # Before the files: what is there when a run has ended does not change any more.
        ended = self._ended_turn = self._has_ended()
        if not ended and run_state.look(run_state.load(self._run_id))["state"] == "stopped":
            run_state.ensure_supervisor(self._run_id)  # it looks through the last checkpoints and writes the end down
        failure = None
        waiting = self._waiting_checkpoints()
        if not self._outputs and (ended or time.monotonic() - self._outputs_at >= OUTPUTS_EVERY_S):
            self._outputs, self._outputs_at = self._changed_outputs(ended), time.monotonic()
        self._count(waiting, ended)
        newest = self._known[-1][1] if self._known else None
        if ended and waiting and waiting[0] is not newest:
            self._tell_end()
        with Cache() as self._cache:
            for index, checkpoint in enumerate(waiting, 1):
                self._current = checkpoint
                try:
                    failure = self._try(self._checkpoint, checkpoint, ended) or failure
                except s3.S3Error as error:
                    if error.reason != "Stopped":
                        raise
                    break
                finally:
                    self._current, self._overtaken = None, False
                self._count(waiting[index:], ended)
                if ended and checkpoint is newest:
                    self._tell_end()
                if _stamp(str(self._folder / "checkpoints.json")) != self._seen or self._has_ended() != ended:
                    break  # a newer one, most likely: it comes first; or the end, which does too
        self._put_log(ended)
        self._put_tags()
        batch, self._outputs = self._outputs[:OUTPUTS_AT_ONCE], self._outputs[OUTPUTS_AT_ONCE:]
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for found in list(pool.map(lambda path: self._try(self._output, path, ended), batch)):
                failure = found or failure
        self._count(self._waiting_checkpoints(), ended)
        if failure:
            raise failure
        self._failures = 0
        left = ended and (self._waiting_checkpoints() or self._outputs or self._changed_outputs(True) or self._log.left())
        self._record(ended and not left)
        if ended and not left:
            self._ledger.waiting(0, 0)
            self._ledger.change(finished=True, error=None)
        quiet = not ended and not self._outputs and not self._waiting_checkpoints()
        self._quiet = signs if quiet else None
        return bool(ended and not left)

    def _put_log(self, ended):
        if self._log.put(ended):
            self._succeeded_at = time.monotonic()

    def _tell_end(self):
        """The machine may go at any moment: how the run ended is worth more than an older checkpoint."""
        self._put_log(True)
        self._record(False, due=True)

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
        outputs = [os.path.getsize(path) for path in self._outputs if os.path.exists(path)]
        # The log of a run that goes on is never all there, and nobody misses its last minute.
        left = self._log.left() if ended or self._log.left() >= upload_log.PIECE_BYTES else 0
        size = sum(one["size_bytes"] for one in waiting) + sum(outputs) + left
        self._ledger.waiting(len(waiting) + len(outputs) + bool(left), size, further=bool(ended))

    def _done(self, name, sha256, size, checksum, verified_at, stamp=None):
        self._ledger.done(name, sha256, size, checksum, verified_at, stamp)
        self._succeeded_at = time.monotonic()

    # Checkpoints.

    def _listed(self):
        """[(name below the prefix, checkpoint)], oldest first. Reads them only when they have changed."""
        seen = _stamp(str(self._folder / "checkpoints.json"))
        if seen is not None and seen != self._seen:
            self._known = [(uploads.name_of(self._run, one), one) for one in run_state.recorded_checkpoints(self._run)
                           if one["state"] in WORTH and one["sha256"]]
            self._seen = seen
        return self._known

    def _waiting_checkpoints(self):
        """The newest first: it is the one that would be missed most."""
        stored = self._state["stored"]

        def waits(name, one):
            there = name in stored and stored[name]["sha256"] == one["sha256"]
            return not there and str(one) not in self._passed_over and os.path.exists(self._full(one))

        return [one for name, one in self._listed()[::-1] if waits(name, one)]

    def _is_overtaken(self):
        """Asked between the blocks of an upload: the run is to end and has saved a newer checkpoint, or has ended. The one on its way is gone on with later."""
        now = time.monotonic()
        current = self._current
        if current and not self._overtaken and now - self._asked_at >= POLL_S:
            self._asked_at = now
            state = run_state.load(self._run_id)["state"]
            is_news = state == "stopped" and not self._ended_turn or _stamp(str(self._folder / "checkpoints.json")) != self._seen
            if state != "running" and is_news:
                newest = [one for one in run_state.recorded_checkpoints(self._run) if one["state"] in WORTH and one["sha256"]][-1:]
                self._overtaken = any(one["modified_at"] > current["modified_at"] for one in newest)
        return self._overtaken

    def _full(self, checkpoint):
        return os.path.join(self._run["project_dir"], checkpoint["path"])

    def _checkpoint(self, checkpoint, _ended):
        full, name = self._full(checkpoint), uploads.name_of(self._run, checkpoint)
        begin, sent = time.monotonic(), [0]
        if os.path.isdir(full):
            files = self._folder_checkpoint(checkpoint, full, name, sent)
            size, checksum = checkpoint["size_bytes"], None
        elif self._cache.sha256(full) != checkpoint["sha256"]:
            raise s3_upload.Changed(full)
        else:
            files, (size, checksum) = None, self._verified(name, full, checkpoint["sha256"], sent)
        self._ledger.transferred(sent[0], time.monotonic() - begin)
        manifest = manifests.manifest_of(checkpoint, files, iso(time.time()))
        self._put_json(manifests.key_of(name), manifest)
        place = {"kind": "s3", "where": self._bucket.name, "path": self._prefix + name, "verified_at": manifest["verified_at"]}
        self._done(name, checkpoint["sha256"], size, checksum, manifest["verified_at"])
        self._ledger.stored(name, checkpoint, manifests.stored_of(manifest, self._bucket.uri(self._prefix + name)), place)

    def _folder_checkpoint(self, checkpoint, full, name, sent):
        files = [{"path": path, "size": os.path.getsize(os.path.join(full, path)), "sha256": self._cache.sha256(os.path.join(full, path))}
                 for path in files_below(full)]
        if sha256_of_listing(files) != checkpoint["sha256"]:
            raise s3_upload.Changed(full)
        for one in files:
            below = "%s/%s" % (name, one["path"])
            known = self._state["files"].get(below)
            if not known or known["sha256"] != one["sha256"] or not known["verified_at"]:
                size, checksum = self._verified(below, os.path.join(full, one["path"]), one["sha256"], sent)
                self._done(below, one["sha256"], size, checksum, iso(time.time()))
        return files

    def _verified(self, name, full, sha256, sent):
        """Sends it and looks whether it is there: (size, checksum). Adds what was sent to `sent`."""
        size = os.path.getsize(full)
        known = self._state["files"].get(name)
        # Sent before, and S3 would not say whether it is there: only that is asked again.
        if not known or known["sha256"] != sha256:
            self._done(name, sha256, size, self._put(name, full, size, sha256, sent), None)
        checksum = self._state["files"][name]["checksum"]
        if not s3_upload.is_there(self._bucket, self._prefix + name, size, sha256, checksum):
            self._ledger.forget(name)
            raise s3.S3Error(0, None, "%s is not there as it was sent; it is sent again" % self._bucket.uri(self._prefix + name))
        return size, checksum

    def _put(self, name, full, size, sha256, sent=None):
        begun = self._state["begun"].get(name)
        self._ledger.save(now=size >= upload_log.PIECE_BYTES)

        def remember(value):
            self._ledger.remember_begun(name, value and dict(value, sha256=sha256))

        def count(size_bytes):
            if sent:
                sent[0] += size_bytes

        if begun and begun["sha256"] != sha256:
            s3_upload.abort(self._bucket, self._prefix + name, begun["upload_id"])
            begun = None
        before = stamp_of(os.stat(full))
        checksum = s3_upload.put(self._bucket, self._prefix + name, full, size, sha256, begun, remember, count)
        if stamp_of(os.stat(full)) != before:
            raise s3_upload.Changed(full)
        return checksum

    # Other results.

    def _changed_outputs(self, ended):
        settle_s = 0.0 if ended else OUTPUT_SETTLE_S
        return [full for full in upload_outputs.changed(self._run, self._state["files"], self._earlier, settle_s) if full not in self._passed_over]

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

    def _put_tags(self):
        """An empty object for each name that someone gave to a checkpoint that is there."""
        seen = [_stamp(tags.file_path()), len(self._state["stored"]), self._state["last_stored"]]
        if seen == self._tags_seen:
            return
        known, before = tags.known(), self._state["tagged"]
        wanted = {manifests.tag_key_of(name, tag): one["sha256"]
                  for name, one in self._state["stored"].items() for tag in known.get(one["sha256"], ())} if known else {}
        for name, sha256 in wanted.items():
            if before.get(name) != sha256:
                self._bucket.request("PUT", self._prefix + name)
        if wanted != before:
            self._ledger.change(tagged=wanted)
        self._tags_seen = seen

    def _record(self, last, due=False):
        """run.json: early, so that there is something to go on with should the machine be lost; whole at the end."""
        facts = {name: entry["sha256"] for name, entry in self._state["files"].items()}
        if not last and not due and (not facts or facts == self._recorded or time.monotonic() - self._recorded_at < RECORD_EVERY_S):
            return
        listed = sorted(list(self._state["stored"].values())[::-1], key=lambda one: one["modified_at"])
        outputs = [{"path": name[8:], "sha256": entry["sha256"], "size_bytes": entry["size"]}
                   for name, entry in sorted(self._state["files"].items()) if name.startswith("outputs/")]
        status = run_state.status_of(self._run_id, revive=False)
        if last:
            status["upload"] = dict(status["upload"], pending=0, pending_bytes=0, error=None, behind_since=None)
        self._put_json("run.json", {
            "run": status, "checkpoints": listed, "outputs": outputs, "complete": bool(last),
            "log": {"segments": self._state["segments"], "bytes": self._state["offset"]}, "written_at": iso(time.time()),
            "instance_id": os.environ.get("RUNCTL_INSTANCE_ID"),
        })
        self._recorded, self._recorded_at = facts, time.monotonic()


def _stamp(path):
    try:
        return stamp_of(os.stat(path))
    except OSError:
        return None
