"""`_supervise`: prepares and starts a run, watches it, saves and ends it when asked, writes down its end."""

import os
import signal
import subprocess
import time
import traceback

# All that is needed until the end is loaded now: this program's file may be replaced meanwhile.
from . import checkpoint_watch, dependencies, guard, launcher, locks, paths, process_table, resume_alarm, run_state, saving, spot_notice
from .clock import iso
from .errors import AgentError
from .jsonio import read_json, write_json

TICK_S = 0.2
# The machine is shutting down: so long it will wait, more or less.
SHUTDOWN_GRACE_S = 60.0
RETRY_S = 1.0
GUARD_S = 5.0
LAUNCHES = 3


def supervise(folder, lock):
    """`lock`: the descriptor that holds `supervisor.lock`."""
    locks.take_over(lock)
    supervisor = Supervisor(os.path.basename(folder))
    signal.signal(signal.SIGTERM, lambda *_: supervisor.shut_down())
    supervisor.work()


class Stopped(Exception):
    """The run is to be stopped before its script has begun."""


class Supervisor:
    def __init__(self, run_id):
        self.run_id = run_id
        self.folder = paths.run_dir(run_id)
        self.run = run_state.load(run_id)
        self._unwritten = False
        self._written_at = 0.0
        self._guarded_at = time.monotonic()
        self._launcher = None
        self._launches = 0
        self._shutting_down = False
        self._notice = self._alarm = None
        self.watch = None
        self.saving = saving.Saving(self)

    def log(self, text):
        try:
            with open(str(self.folder / "supervisor.log"), "a", encoding="utf-8", errors="replace") as file:
                file.write("%s %s\n" % (iso(time.time()), text.rstrip()))
        except OSError:
            pass

    def change(self, **facts):
        """Changes the state; what the disk does not take now is written later."""
        if any(self.run.get(key) != value for key, value in facts.items()):
            self.run.update(facts)
            self._unwritten = True
            self._flush()

    def _flush(self):
        if not self._unwritten:
            return
        self._written_at = time.monotonic()
        try:
            run_state.write_hard(self.folder / "run.json", self.run)
            self._unwritten = False
        except OSError as error:
            self.log("the state cannot be written: %s" % error)

    def work(self):
        while True:
            try:
                if self._turn():
                    return
            except Exception:  # the run must not suffer from it
                self.log(traceback.format_exc())
                if not self.folder.exists():
                    return
                time.sleep(RETRY_S)
            time.sleep(TICK_S)

    def shut_down(self):
        """The machine's own shutdown: the same save as for a stop, from the next look on."""
        self._shutting_down = True

    def _heed_shutdown(self):
        if not self._shutting_down:
            return
        if self.run["state"] == "stopped":
            self._shutting_down = False
            return
        detail = "the machine is being shut down"
        spot_notice.lay_down(self.run, "shutdown %s" % self.run["boot_id"], SHUTDOWN_GRACE_S, detail)
        if run_state.look(self.run)["main"] and not self.run["asked"]:
            # The script was told too, and may have gone of it already: it has neither failed nor completed.
            self.change(asked={"how": None, "signalled": [], "reason": "interrupted", "detail": detail})
        self._shutting_down = False
        self.log("told to end: " + detail)

    def _turn(self):
        """One look at everything; True where nothing is left to do."""
        if self._launcher:
            self._launcher.poll()
        self._heed_shutdown()
        self._ensure_uploader()
        self._ensure_guard()
        if self.run.get("interruptible") and self._notice is None and self.run["state"] != "stopped":
            self._notice = spot_notice.SpotNotice(self.run, self.log)
        now = run_state.look(self.run)
        if now["main"] is None and now["state"] != "stopped":
            self._bring_up()
            return False
        if self.watch is None and self.run["state"] != "stopped":
            self.watch = checkpoint_watch.CheckpointWatch(self.run, self.log)
        if now["state"] == "running":
            self.change(state="running")
        self._look_at_log(ended=False)
        self.saving.turn(now)
        now = run_state.look(self.run)
        if now["state"] == "stopped":
            self._finish(now)
        if time.monotonic() - self._written_at > RETRY_S:
            self._flush()
        published = self.saving.publish()
        recorded = self.watch is None or self.watch.is_written()
        return now["state"] == "stopped" and recorded and published and not self._unwritten and not self.saving.is_busy()

    def _ensure_uploader(self):
        if self.run.get("output"):
            try:
                run_state.ensure_uploader(self.run_id)
            except OSError as error:  # a full disk, say; the run does not need it
                self.log("nothing is uploaded now: %s" % error)

    def _ensure_guard(self):
        """Nobody else may come by for long."""
        if time.monotonic() - self._guarded_at > GUARD_S:
            self._guarded_at = time.monotonic()
            if paths.has_limits():
                try:
                    guard.ensure()
                except OSError as error:
                    self.log("the limits are not watched now: %s" % error)

    def _finish(self, now):
        if self.run["state"] == "stopped":
            return
        if self.watch:
            self.watch.close()
            self.watch.look_now(ended=True)
        self._look_at_log(ended=True)
        if self._notice:
            self._notice.close()
        self.change(**{key: now[key] for key in ("state", "reason", "detail", "exit_code", "signal", "ended_at")})

    def _look_at_log(self, ended):
        """For the first step of a run that resumed."""
        if self._alarm is None:
            self._alarm = resume_alarm.of(self.run, self.folder)
        alarm = self._alarm and self._alarm.look(ended)
        if alarm:
            self.log(alarm)
            self.change(resume_alarm=alarm)

    # Before the script runs.

    def _bring_up(self):
        if locks.is_held(str(self.folder / "launcher.lock")):
            if self._wanted_stop():
                self._call_off()
            return
        try:
            self._check()
            command = read_json(self.folder / "command.json")
            if "argv" not in command:
                self._end_leftovers()
                if os.listdir(str(paths.made("resumed"))):
                    from . import resume_fetch
                    resume_fetch.remove_unused()
                if self.run.get("resume"):
                    command = self._with_checkpoint(command)
                if self.run.get("data_source"):
                    from . import data_source
                    data_source.fetch(self.run["data_source"], self._say_in_log, self._check)
                argv, environment = dependencies.prepare(command["choice"], self.run["project_dir"], self._install, self._check)
                command.update(argv=argv + command["args"], env=dict(environment, **command["env"]))
                write_json(self.folder / "command.json", command)
        except Stopped:
            self._call_off()
        except AgentError as error:
            self._end(reason="failed", detail=error.message, failed_code=None if error.code == "dependencies_failed" else error.code)
        except OSError as error:
            # A full disk, most likely: without its command no script can be started.
            self._end(reason="failed", detail="the run could not be prepared: %s" % error)
        else:
            self._start_launcher()

    def _with_checkpoint(self, command):
        from . import resume, resume_fetch
        candidate, path = resume_fetch.bring(self.run, self._say_in_log, self._check, lambda skipped: self.change(resume_skipped=skipped))
        skipped = self.run.get("resume_skipped")
        why = skipped and "resumes from %s: %s" % (candidate["from"], "; ".join("%s was passed over: %s" % (one["path"], one["why"]) for one in skipped[:3]))
        self.change(detail=why or None, **resume.facts_of(candidate, self.run["project_dir"]))
        return resume.with_path(command, path)

    def _start_launcher(self):
        if self._launches == LAUNCHES:
            self._end(reason="failed", detail="the script could not be started; see %s" % (self.folder / "supervisor.log"))
            return
        self._launches += 1
        if "log_from" not in self.run:
            self.change(log_from=os.path.getsize(str(self.folder / "log")))
        self._launcher = run_state.spawn("_launch", self.folder)
        deadline = time.monotonic() + 5
        while self._launcher.poll() is None and not (self.folder / "main.json").exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _wanted_stop(self):
        return next((request for request in self.saving.pending() if request["kind"] == "stop"), None)

    def _check(self):
        self._heed_shutdown()
        self.saving.answer_early_saves()
        if self._wanted_stop():
            raise Stopped()

    def _call_off(self):
        """Ends a run whose script has not begun. Should it begin just now, it is stopped as any other."""
        if self._launcher:
            self._launcher.kill()
            self._launcher.wait()
        elif locks.is_held(str(self.folder / "launcher.lock")):
            return  # another supervisor's: it is about to start the script
        self._end_leftovers()
        if (self.folder / "main.json").exists():
            return
        stop = self._wanted_stop()
        self._end(reason=stop["reason"], detail=stop.get("detail") or "stopped before the script was started")
        self.saving.answer_called_off()

    def _end(self, reason, detail, failed_code=None):
        self.change(state="stopped", reason=reason, detail=detail, failed_code=failed_code, ended_at=time.time())

    def _end_leftovers(self):
        """Installers of a supervisor that was killed."""
        for process in run_state.processes_of(self.run, process_table.scan()):
            process_table.send(process, signal.SIGKILL)

    def _say_in_log(self, line):
        with open(str(self.folder / "log"), "ab") as log:
            log.write((line + "\n").encode("utf-8", "surrogateescape"))

    def _install(self, argv):
        with open(str(self.folder / "log"), "ab") as log:
            log.write(("+ " + " ".join(argv) + "\n").encode("utf-8", "surrogateescape"))
            log.flush()
            environment = launcher.environment_of(read_json(self.folder / "command.json"))
            try:
                child = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.run["project_dir"], env=environment,
                    start_new_session=True)
            except OSError as error:
                why = "%s could not be started: %s" % (argv[0], error.strerror)
                raise AgentError("dependencies_failed", why, {"command": " ".join(argv)})
        try:
            while child.poll() is None:
                self._check()
                time.sleep(0.05)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        return child.returncode
