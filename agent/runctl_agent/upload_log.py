"""The log of a run in S3, in pieces that are never changed once the next one is there."""

import os
import time

EVERY_S = 60.0
PIECE_BYTES = 1 << 20
# Where a script writes faster than that, the pieces grow.
MOST_BYTES = 8 << 20


class LogPieces:
    def __init__(self, folder, bucket, prefix, ledger):
        self._path, self._bucket, self._prefix, self._ledger = str(folder / "log"), bucket, prefix, ledger
        self._at = time.monotonic()

    def _size(self):
        try:
            return os.path.getsize(self._path)
        except OSError:
            return 0

    def left(self):
        """Bytes that are not there yet."""
        return max(0, self._size() - self._ledger.state["offset"])

    def is_due(self, ended):
        left = self.left()
        return bool(left >= PIECE_BYTES or left and (ended or time.monotonic() - self._at >= EVERY_S))

    def put(self, ended):
        """Sends what is due; whether there was anything."""
        if self._size() < self._ledger.state["offset"]:
            self._ledger.change(offset=0)  # cut off: what is in it now is new
        sent = False
        while self.is_due(ended):
            self._piece(ended)
            sent = True
        return sent

    def _piece(self, ended):
        state = self._ledger.state
        with open(self._path, "rb") as file:
            file.seek(state["offset"])
            piece = file.read(MOST_BYTES)
        if len(piece) == MOST_BYTES or not ended:
            piece = piece[:piece.rfind(b"\n") + 1] or piece
        self._bucket.request("PUT", "%slog/%06d.log" % (self._prefix, state["segments"] + 1), None, {"content-type": "text/plain"}, piece)
        self._at = time.monotonic()
        self._ledger.change(offset=state["offset"] + len(piece), segments=state["segments"] + 1)
