"""Watches for the word that a machine which may be taken away is being taken away, and asks for the save, as `stop` would."""

import json
import threading
import time

from . import clock, imds, run_state, stopping, uploads

ACTION = "/latest/meta-data/spot/instance-action"
REBALANCE = "/latest/meta-data/events/recommendations/rebalance"
INTERVAL_S = 5.0
# Of the time until the notice's this is left to the upload; more where uploads were slow, but never so much that no grace is left.
MARGIN_S, LEAST_GRACE_S = 15.0, 10.0
# Without a time that can be read, the two minutes that EC2 promises.
USUAL_S = 120.0


class SpotNotice:
    """Looks in a thread of its own: a metadata service that is silent delays nothing."""

    def __init__(self, run, log):
        self._run, self._log = run, log
        self._trouble, self._advised = None, False
        self._over = threading.Event()
        threading.Thread(target=self._loop, daemon=True).start()

    def close(self):
        self._over.set()

    def _loop(self):
        while not self._over.is_set():
            try:
                notice = imds.get(ACTION)
                if notice is not None:
                    self._act(notice)
                elif not self._advised:
                    advice = imds.get(REBALANCE)
                    if advice is not None:
                        self._advised = True
                        self._log("the platform says that this machine is more likely to be taken away (rebalance recommendation): %s" % advice[:200])
                if self._trouble:
                    self._trouble = None
                    self._log("the metadata service answers again")
            except OSError as error:
                if not self._trouble:
                    self._trouble = str(error)
                    self._log("whether this machine is to be taken away cannot be known now: %s" % error)
            except Exception as error:
                self._log("the notice could not be followed: %r" % error)
            self._over.wait(INTERVAL_S)

    def _act(self, text):
        try:
            found = json.loads(text)
            action, at = str(found.get("action"))[:20], str(found.get("time"))[:40]
        except (ValueError, AttributeError):
            action, at = "end", "an unknown time"
        when = clock.seconds(at)
        left_s = USUAL_S if when is None else when - time.time()
        detail = "the platform takes this machine back: notice to %s at %s" % (action, at)
        # The same notice asks once, whoever of the supervisors sees it.
        if lay_down(self._run, "notice %s" % at, max(LEAST_GRACE_S, left_s - self._margin_s(left_s)), detail):
            self._log("%s, in %d s" % (detail, left_s))

    def _margin_s(self, left_s):
        """How long the last checkpoint takes to S3, by what was measured."""
        known, listed = uploads.read(self._run["run_id"]), run_state.recorded_checkpoints(self._run)
        upload_s = listed[-1]["size_bytes"] / known["bytes_per_s"] if listed and known.get("bytes_per_s") else 0.0
        return max(MARGIN_S, min(1.2 * upload_s + 5.0, left_s / 2))


def lay_down(run, name, grace_s, detail, reason="interrupted", force=True):
    """A stop as the verb asks for it, of the agent's own accord. False where the same was asked before."""
    request = {
        "request_id": "stop " + name, "kind": "stop", "grace_s": grace_s, "force": force, "reason": reason, "detail": detail,
        "monotonic": time.monotonic(), "not_before": clock.iso(time.time() - stopping.COARSE_TIME_S), "was_over": False,
    }
    return stopping.lay_down(run["run_id"], request)
