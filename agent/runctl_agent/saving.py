"""The supervisor's side of `save` and `stop`: ask the script, wait, verify, end the processes, report."""

import os
import signal
import time

from . import checkpoints, clock, copies, process_table, run_state, uploads

TERM_S = 5.0
# Even when the grace is over: so long a process has to die of the SIGTERM before it counts as one that had to be killed.
LEAST_TERM_S = 0.4
KILL_S = 10.0
KEPT_REPORTS = 20
# They pass SIGTERM on to a script that may not be ready for it, or die of it themselves without their script knowing.
SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "ash", "busybox")
FORWARDERS = ("uv",)


class Saving:
    def __init__(self, supervisor):
        self._supervisor = supervisor
        self._folder = supervisor.folder
        self._run_id = supervisor.run_id
        self._reports = run_state.reports_of(self._run_id)
        self._unpublished = {}
        self._requests, self._seen = [], None
        # Reports that wait for the upload of what they speak of: {request id: (request, report, since)}.
        self._held = {}

    def pending(self):
        """The requests that are still to be acted on, oldest first. Reads the file only when it has changed."""
        try:
            info = os.stat(str(self._folder / "stop-request.json"))
        except OSError:
            return []
        if (info.st_mtime_ns, info.st_ino) != self._seen:
            self._seen = (info.st_mtime_ns, info.st_ino)
            self._requests = run_state.requests_of(self._run_id)
        return [request for request in self._requests if request["request_id"] not in self._reports and request["request_id"] not in self._held]

    def is_busy(self):
        return bool(self._held or self.pending())

    def turn(self, now):
        self._release()
        pending = self.pending()
        if not pending:
            if self._supervisor.run["asked"] and now["state"] != "stopped":
                self._withdraw()
            return
        ended = now["state"] == "stopped"
        if not ended:
            self._ask(pending, now["main"])
        saved = not ended and self._how() == "stop-file" and _saved_since(pending[0], self._supervisor.watch.found)
        for request in pending:
            if ended or saved or _remaining_s(request) <= 0:
                self._finish(request)
                return

    def publish(self):
        """Writes the new reports; False where that has to be tried again."""
        if not self._unpublished:
            return True
        kept = dict(list(self._reports.items())[-KEPT_REPORTS:])
        try:
            run_state.write_hard(self._folder / "stop-report.json", kept)
        except OSError as error:
            self._supervisor.log("the report cannot be written: %s" % error)
            return False
        self._unpublished = {}
        return True

    def _how(self):
        """How the script was asked. Kept in run.json, so that the next supervisor does not ask twice."""
        return (self._supervisor.run["asked"] or {"how": None})["how"]

    def _report(self, request, **facts):
        report = {
            "run_id": self._run_id, "asked": self._how(), "ok": True, "why": None, "checkpoint": None, "saved_on_request": False,
            "ended": "running", "killed": 0, "took_s": round(max(0.0, request["grace_s"] - _remaining_s(request)), 3),
        }
        report.update(facts)
        if self._supervisor.run.get("output") and (report["checkpoint"] or report["ended"] != "running"):
            self._held[request["request_id"]] = request, report, time.monotonic()
            self._release()
        else:
            self._tell(request, report)

    def _tell(self, request, report):
        self._reports[request["request_id"]] = self._unpublished[request["request_id"]] = report

    def _release(self):
        """Reports what is in S3 by now, or what cannot be waited for any longer."""
        run = self._supervisor.run
        for request_id, (request, report, since) in list(self._held.items()):
            lacking = uploads.lacking(run, report["checkpoint"], whole=report["ended"] != "running")
            if not uploads.is_worth_waiting(lacking, _remaining_s(request), since):
                del self._held[request_id]
                why = "; ".join(part for part in (report["why"], lacking and lacking["why"]) if part) or None
                checkpoint = report["checkpoint"] and copies.added(report["checkpoint"])
                took_s = round(max(0.0, request["grace_s"] - _remaining_s(request)), 3)
                self._tell(request, dict(report, why=why, checkpoint=checkpoint, took_s=took_s))

    def answer_early_saves(self):
        """Before the script runs there is nothing to save."""
        for request in self.pending():
            if request["kind"] == "save":
                self._report(request, why="the script has not been started yet: there is nothing to save")
        self.publish()

    def answer_called_off(self):
        for request in self.pending():
            self._report(request, ended="graceful", why="the script had not been started: there was nothing to save")
        self.publish()

    def _ask(self, pending, main):
        """The stop file for all, and SIGTERM for those who can take it, as soon as they can."""
        stops = [request for request in pending if request["kind"] == "stop"]
        asked = dict({"signalled": []}, **self._supervisor.run["asked"] or {})
        asked.update(how=asked.get("how") or "stop-file", reason=stops[0]["reason"] if stops else "user", detail=stops[0].get("detail") if stops else None)
        self._supervisor.change(state="stopping", asked=asked)
        try:
            os.close(os.open(str(self._folder / "stop"), os.O_WRONLY | os.O_CREAT, 0o600))
        except OSError as error:
            self._supervisor.log("the stop file cannot be made: %s" % error)
        for process in self._who_catches(main):
            one = [process["pid"], process["start_time"]]
            if one not in asked["signalled"] and process_table.send(process, signal.SIGTERM):
                asked = dict(asked, how="stop-file+sigterm", signalled=asked["signalled"] + [one])
        self._supervisor.change(asked=asked)
        self._supervisor.watch.hurry()

    def _who_catches(self, main):
        """The main process if it catches SIGTERM; where it only stands for the script, those of its group that do."""
        process = process_table.find(main["pid"])
        if process is None or process["start_time"] != main["start_time"]:
            return []
        if process["name"] not in FORWARDERS and process_table.catches_sigterm(process["pid"]):
            return [process]
        if process["name"] not in SHELLS + FORWARDERS:
            return []
        return [one for one in process_table.scan()
                if one["pgid"] == process["pgid"] and one["pid"] != process["pid"]
                and one["name"] not in FORWARDERS and process_table.catches_sigterm(one["pid"])]

    def _finish(self, request):
        now = run_state.look(self._supervisor.run)
        ended = now["state"] == "stopped"
        found = self._look(ended)
        good, skipped = checkpoints.latest_good(found)
        # What had ended before has nothing to save; only what it left behind is to go.
        was_over = request["was_over"]
        ok, why = (True, None) if was_over else _judge(good, skipped, now if ended else None)
        killed, forced = 0, False
        self._note_time(request, good, found)
        if request["kind"] == "stop" and (ok or request["force"]):
            killed, left = self._end_processes(_remaining_s(request))
            if not ended:
                found = self._look(True)
                good, _ = checkpoints.latest_good(found)
                self._note_time(request, good, found)
            if left:
                ok, why = False, "%d processes of the run cannot be ended" % left
            ended, forced = ended or not left, killed > 0
        self._report(
            request, ok=ok, why=why, checkpoint=good, killed=killed, saved_on_request=_saved_since(request, found),
            ended="forced" if forced else "before" if was_over else "graceful" if ended else "running")

    def _note_time(self, request, good, found):
        """How long it took from the asking to the complete checkpoint: what a spot notice must leave time for."""
        begin, end = clock.seconds(request["not_before"]), good and clock.seconds(good["modified_at"])
        if begin and end and good["state"] == "complete" and _saved_since(request, found):
            self._supervisor.change(save_took_s=round(max(0.0, end - begin), 3))

    def _look(self, ended):
        watch = self._supervisor.watch
        # Without a watch the run had ended before this supervisor came: what was recorded is all.
        return watch.look_now(ended=ended) if watch else run_state.recorded_checkpoints(self._supervisor.run)

    def _end_processes(self, rest_s):
        """(how many had to be killed, how many are left)."""
        def alive():
            return run_state.processes_of(self._supervisor.run, process_table.scan())

        told = set()
        deadline = time.monotonic() + max(LEAST_TERM_S, min(TERM_S, rest_s))
        left = alive()
        while left and time.monotonic() < deadline:
            for process in left:
                if (process["pid"], process["start_time"]) not in told:
                    told.add((process["pid"], process["start_time"]))
                    process_table.send(process, signal.SIGTERM)
            time.sleep(0.05)
            left = alive()
        killed = set()
        deadline = time.monotonic() + KILL_S
        while left and time.monotonic() < deadline:
            for process in left:
                if process_table.send(process, signal.SIGKILL):
                    killed.add((process["pid"], process["start_time"]))
            time.sleep(0.05)
            left = alive()
        # How the script ended is written by its parent, a moment later.
        deadline = time.monotonic() + 2
        while not left and run_state.look(self._supervisor.run)["state"] != "stopped" and time.monotonic() < deadline:
            time.sleep(0.02)
        return len(killed), len(left)

    def _withdraw(self):
        """Nothing is asked any more: the run goes on as if it had not been."""
        try:
            os.unlink(str(self._folder / "stop"))
        except FileNotFoundError:
            pass
        self._supervisor.change(state="running", asked=None)


def _judge(good, skipped, end):
    """(whether it is right to stop now, a sentence where more is to be said). `end`: how the run ended, if it did."""
    passed_over = "; ".join("%s is %s" % (one["path"], one["why"]) for one in skipped[:3])
    if end and end["started_at"] is None:
        return True, "the script was never started: there was nothing to save"
    if good is None and end and end["exit_code"] == 0:
        return True, "the script ended with exit status 0 and left no complete checkpoint"
    if good is None and end:
        how = end["signal"] or ("exit status %s" % end["exit_code"] if end["exit_code"] is not None else "an unknown exit status")
        return False, "the script ended with %s and left no complete checkpoint" % how + (": " + passed_over if passed_over else "")
    if good is None:
        return False, "the script saved no complete checkpoint" + (": " + passed_over if passed_over else "")
    if good["state"] != "complete":
        return True, "%s is of a format that cannot be verified" % good["path"]
    return True, passed_over or None


def _saved_since(request, found):
    """Whether the latest good one was written after the request."""
    good, _ = checkpoints.latest_good(found)
    return good is not None and good["modified_at"] >= request["not_before"]


def _remaining_s(request):
    """Of the grace. The monotonic clock is the same one for all processes since the machine's start."""
    passed = time.monotonic() - request["monotonic"]
    return request["grace_s"] - passed if passed >= 0 else 0.0
