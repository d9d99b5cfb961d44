"""The supervisor's eye on the checkpoints of its run: looks about once a second, writes down what changed."""

import threading
import time
import traceback

from . import checkpoints, paths, run_state
from .jsonio import write_json

INTERVAL_S = 1.0
LONGEST_INTERVAL_S = 10.0
# Looking may use this share of one CPU: where there is much to look through, it is done less often.
CPU_SHARE = 0.005


class CheckpointWatch:
    """Looks in a thread of its own, so that reading a large checkpoint does not delay anything else."""

    def __init__(self, run, log):
        self._run = run
        self._log = log
        self._lock = threading.Lock()
        self._poke = threading.Event()
        self._written = self.found = run_state.recorded_checkpoints(run)
        self._trouble = None
        self._closed = False
        self._interval_s = INTERVAL_S
        threading.Thread(target=self._loop, daemon=True).start()

    def look_now(self, ended=False):
        """Looks and returns the run's checkpoints, oldest first; after a failure those of the last time."""
        with self._lock:
            try:
                run = self._run
                listed = checkpoints.list_checkpoints(
                    run["checkpoint_dir"], run["project_dir"], run["checkpoint_patterns"], baseline=run["baseline"], ended=ended,
                    plugins=run.get("formats") or ())
                before = {one["path"]: one for one in self.found}
                self.found = [run_state.with_place(one, run, before) for one in listed]
                self._write()
                self._trouble = None
            except Exception as error:  # whatever it is, the run goes on and it is tried again
                if repr(error) != self._trouble:
                    self._trouble = repr(error)
                    self._log(traceback.format_exc())
            return self.found

    def is_written(self):
        """Whether what was found is on the disk; tries again where it is not."""
        with self._lock:
            try:
                self._write()
            except OSError:
                pass
            return self.found == self._written

    def hurry(self):
        """Looks soon."""
        self._poke.set()

    def close(self):
        self._closed = True
        self._poke.set()

    def _write(self):
        if self.found != self._written:
            write_json(paths.run_dir(self._run["run_id"]) / "checkpoints.json", {"checkpoints": self.found})
            self._written = self.found

    def _loop(self):
        while not self._closed:
            before = time.thread_time()
            self.look_now()
            busy_s = time.thread_time() - before
            self._poke.wait(min(LONGEST_INTERVAL_S, max(INTERVAL_S, busy_s / CPU_SHARE)))
            self._poke.clear()
