"""The guard's stop: every run saves and ends as `stop` has it do, then the machine may be powered off."""

import os

from . import paths, run_state, spot_notice, stopping, uploads
from .errors import AgentError

# For the script to save in, as `stop` gives it by default; when nothing good was saved up to the last moment, it gets the short one.
GRACE_S, LAST_GRACE_S = 120.0, 15.0
AGAIN_S = 60.0
# What a script says so long after it was asked in vain is no sign of life.
CALM_S = 10.0
# A supervisor's report is there so long after the grace, or something is wrong.
REPORT_S = 60.0
# At the last moment nothing is waited for longer.
FORCED_S = 45.0
UPLOAD_S = 600.0


class GuardStop:
    """Goes on from `state["stop"]`, whoever began it: {reason, detail, due_s, name, grace_s, asked_s, runs, forced, again_s, calm_s, saved_s, why}, times in used seconds."""

    def __init__(self, meter, signs, log):
        self._meter, self._signs, self._log = meter, signs, log

    @property
    def _stop(self):
        return self._meter.state["stop"]

    def is_asking(self):
        """A script has been asked to save, or was just now: what it says then is no sign of life."""
        stop = self._stop
        return bool(stop) and (stop["again_s"] is None or self._meter.used_s < stop["calm_s"])

    def begin(self, limits, reason, detail, due_s):
        self._meter.state["stop"] = {
            "reason": reason, "detail": detail, "due_s": due_s, "runs": [], "forced": False, "again_s": None, "calm_s": 0.0, "saved_s": None, "why": None}
        self._ask(limits, False)
        self._log("%s: everything is saved, then the machine is powered off" % detail)

    def turn(self, limits):
        """True where the machine is to be powered off now."""
        stop, used_s = self._stop, self._meter.used_s
        hard_s = stop["due_s"] + limits["overrun_s"]
        if used_s >= hard_s and not stop["forced"] and stop["saved_s"] is None:
            self._log("the stop can be put off no longer")
            self._ask(limits, True)
        elif stop["again_s"] is not None:
            if used_s < stop["again_s"]:
                return False
            self._ask(limits, False)
        reports = self._reports()
        waited_s = used_s - stop["asked_s"]
        lacking = [run_id for run_id, report in reports.items() if report is None]
        refused = ["%s: %s" % (run_id, report["why"]) for run_id, report in reports.items() if report and not report["ok"]]
        if stop["forced"]:
            return not lacking or waited_s >= FORCED_S
        if lacking and waited_s >= stop["grace_s"] + REPORT_S:
            refused.append("%s: its supervisor gave no report" % lacking[0])
        elif lacking:
            stop["saved_s"] = None
            return False
        if refused:
            self._put_off(limits, "; ".join(refused), hard_s)
            return False
        self._meter.state["put_off"] = None
        if stop["saved_s"] is None:
            stop["saved_s"] = used_s
            stop["why"] = self._saved_words(reports)
        # A disk that is about to go must not take the only copy with it, as long as there is time.
        until_s = hard_s if limits["ends_as"] == "terminate" else min(stop["saved_s"] + UPLOAD_S, hard_s)
        return used_s >= until_s or not self._is_uploading()

    def call_off(self):
        """There is more time, or somebody came: what nobody has acted on is taken back."""
        for run_id in self._stop["runs"]:
            try:
                stopping.take_back(run_id, "stop " + self._stop["name"])
            except (AgentError, OSError) as error:
                self._log("the stop of %s cannot be taken back: %s" % (run_id, error))
        self._meter.state["stop"] = self._meter.state["put_off"] = None
        self._log("the stop is called off")

    def outcome(self):
        """The sentence for who wonders later."""
        return "%s; %s" % (self._stop["detail"], self._stop["why"] or "nothing ran")

    def _ask(self, limits, forced):
        stop = self._stop
        stop.update(name="guard %s %d" % (self._meter.state["boot"][:8], self._meter.used_s * 1000), asked_s=self._meter.used_s, forced=forced, again_s=None, saved_s=None)
        # Where little may be put off, the scripts must not use up all of it.
        stop["grace_s"] = LAST_GRACE_S if forced else min(GRACE_S, limits["overrun_s"] / 4)
        if forced:
            stop["why"] = "ended by force" + (": " + stop["why"] if stop["why"] else "")

    def _reports(self):
        """{run id: StopReport or None}, of every run that is active or was when it was asked."""
        stop, found = self._stop, {}
        for run_id in self._signs.active_runs():
            if run_id not in stop["runs"]:
                stop["runs"].append(run_id)
        for run_id in stop["runs"]:
            try:
                spot_notice.lay_down({"run_id": run_id}, stop["name"], stop["grace_s"], stop["detail"], stop["reason"], stop["forced"])
                found[run_id] = run_state.reports_of(run_id).get("stop " + stop["name"])
                if found[run_id] is None:
                    run_state.ensure_supervisor(run_id)
            except (AgentError, OSError) as error:
                if not os.path.isdir(str(paths.run_dir(run_id))):
                    continue
                self._log("%s cannot be asked: %s" % (run_id, error))
                found[run_id] = None
        return found

    def _put_off(self, limits, why, hard_s):
        state, stop = self._meter.state, self._stop
        wait_s = min(AGAIN_S, limits["overrun_s"] / 8)
        stop.update(again_s=self._meter.used_s + wait_s, calm_s=self._meter.used_s + min(CALM_S, wait_s / 2), runs=[], why=why)
        since = (state["put_off"] or {"since": self._meter.moment(self._meter.used_s)})["since"]
        state["put_off"] = {"since": since, "until_s": hard_s, "why": why}
        self._log("the stop is put off: " + why)

    def _saved_words(self, reports):
        saved = [report["checkpoint"]["path"] for report in reports.values() if report["checkpoint"]]
        if saved:
            return "saved: " + ", ".join(saved)
        return "; ".join(report["why"] for report in reports.values() if report["why"]) or None

    def _is_uploading(self):
        found = False
        for run_id in uploads.marked():
            try:
                if uploads.lacking(run_state.load(run_id), None, whole=True):
                    run_state.ensure_uploader(run_id)
                    found = True
            except (AgentError, OSError):
                continue
        return found
