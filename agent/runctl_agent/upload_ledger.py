"""What the uploader knows, in `uploads.json`: what is there, what waits, how fast it goes. Written often, but never for more than a share of the time."""

import os
import threading
import time

from . import copies, paths, uploads
from .clock import iso
from .jsonio import write_json

# With thousands of entries a write takes its time: so many more seconds pass before the next one than it took.
REST_FACTOR = 20
# Of what is smaller and quicker the time says more about the way than about its width.
TELLING_BYTES, TELLING_S = 1 << 20, 0.5
# How much of a speed that was measured before is left after each further one.
DECAY = 0.7
# What waits for less than that is on its way; above, the log says so, and again after each such time.
BEHIND_S, BEHIND_AGAIN_S = 30.0, 300.0


def shown_size(count):
    return "%.1f GB" % (count / 1e9) if count >= 1e9 else "%.1f MB" % (count / 1e6)


class Ledger:
    """May be used by several threads at once."""

    def __init__(self, run_id, say):
        self._run_id, self._say = run_id, say
        self._path = str(paths.run_dir(run_id) / "uploads.json")
        known = uploads.read(run_id)
        # `files`: {name below the prefix: {sha256, size, verified_at, checksum, stamp}}; `begun`: uploads in parts that are not complete;
        # `stored`: {name: StoredCheckpoint}; `tagged`: {name of a tag's object: sha256}; `speed`: [bytes, seconds], decayed.
        self.state = {
            "files": {}, "stored": {}, "begun": {}, "tagged": {}, "offset": 0, "segments": 0, "error": None, "finished": False, "last_stored": None,
            "pending": 0, "pending_bytes": 0, "speed": [0, 0], "bytes_per_s": None, "behind_since": None,
        }
        self.state.update({key: known[key] for key in self.state if key in known})
        self._lock = threading.RLock()
        self._unwritten, self._copies = False, []
        self._written_at = self._took_s = 0.0
        # (since when, when it was said last, files and bytes done since)
        self._behind = None

    def change(self, **facts):
        with self._lock:
            if any(self.state.get(key) != value for key, value in facts.items()):
                self.state.update(facts)
                self._unwritten = True
                self.save()

    def save(self, now=True):
        """`now`: not only if it is time again."""
        with self._lock:
            begin = time.monotonic()
            if not self._unwritten or not now and begin - self._written_at < REST_FACTOR * self._took_s:
                return
            try:
                if self._copies:
                    # First: who finds the upload done must find its place too.
                    copies.record_copy({"copies": self._copies})
                    self._copies = []
                write_json(self._path, self.state)
                self._unwritten = False
            except OSError as error:
                self._say("the state cannot be written: %s" % error)
            self._written_at = time.monotonic()
            self._took_s = self._written_at - begin

    def remember_begun(self, name, value):
        with self._lock:
            self.state["begun"].pop(name, None)
            if value:
                self.state["begun"][name] = value
            self._unwritten = True
            self.save()

    def done(self, name, sha256, size, checksum, verified_at, stamp=None):
        with self._lock:
            self.state["files"][name] = {"sha256": sha256, "size": size, "checksum": checksum, "verified_at": verified_at, "stamp": stamp}
            self.state["error"] = None
            self._unwritten = True
            self.save(now=False)

    def forget(self, name):
        with self._lock:
            self.state["files"].pop(name, None)
            self._unwritten = True

    def stored(self, name, checkpoint, record, place):
        """A checkpoint is there, its manifest too."""
        with self._lock:
            self._copies.append({"path": checkpoint["path"], "sha256": checkpoint["sha256"], "place": place})
            self.state["stored"][name] = record
            last = self.state["last_stored"]
            newest = checkpoint["state"] == "complete" and (last is None or last["modified_at"] <= checkpoint["modified_at"])
            if newest:
                self.state["last_stored"] = dict(checkpoint, places=checkpoint["places"] + [place])
            self._unwritten = True
            self.save(now=newest)  # it is the one that others wait for

    def transferred(self, size_bytes, took_s):
        """A file was sent: how fast counts for what comes."""
        if self._behind:
            self._behind["files"], self._behind["bytes"] = self._behind["files"] + 1, self._behind["bytes"] + size_bytes
        if (size_bytes >= TELLING_BYTES or took_s >= TELLING_S) and took_s > 0:
            with self._lock:
                size, span = (DECAY * old + new for old, new in zip(self.state["speed"], (size_bytes, took_s)))
                self.state.update(speed=[round(size), round(span, 4)], bytes_per_s=round(size / span))
                self._unwritten = True

    def waiting(self, count, size_bytes, further=0):
        """What is whole and not there yet; `further`: what comes only at the end."""
        since = (self.state["behind_since"] or iso(time.time())) if count else None
        with self._lock:
            facts = {"pending": count + further, "pending_bytes": size_bytes, "behind_since": since}
            if any(self.state[key] != value for key, value in facts.items()):
                self.state.update(facts)
                self._unwritten = True
                self.save(now=False)
        self._tell_behind(count, size_bytes)

    def _tell_behind(self, count, size_bytes):
        now = time.monotonic()
        if not count:
            if self._behind and self._behind["said_at"] is not None:
                self._say("caught up: %d files, %s went in %d s%s" % (
                    self._behind["files"], shown_size(self._behind["bytes"]), now - self._behind["since"], self._speed()))
            self._behind = None
        elif self._behind is None:
            self._behind = {"since": now, "said_at": None, "files": 0, "bytes": 0}
        else:
            said_at = self._behind["said_at"]
            if now - (self._behind["since"] if said_at is None else said_at) >= (BEHIND_S if said_at is None else BEHIND_AGAIN_S):
                self._behind["said_at"] = now
                self._say("behind: %d files, %s wait since %d s%s%s" % (
                    count, shown_size(size_bytes), now - self._behind["since"], self._speed(),
                    "; " + self.state["error"] if self.state["error"] else ""))

    def _speed(self):
        return " at %.1f MB/s" % (self.state["bytes_per_s"] / 1e6) if self.state["bytes_per_s"] else ""
