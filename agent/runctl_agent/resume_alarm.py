"""Whether a resumed run begins where its checkpoint ends: looks through the beginning of its log for the first step."""

import os

from . import log_steps

# What has not said a step by then will not be read further.
MAX_BYTES = 1 << 20
BLOCK = 1 << 16


class ResumeAlarm:
    """`step`, `epoch`: those of the checkpoint, or None. `look` may be called as often as one likes; it reads what is new."""

    def __init__(self, log_path, begin, step, epoch):
        self._path, self._at, self._end = log_path, begin, begin + MAX_BYTES
        self._step, self._epoch, self._rest = step, epoch, b""
        self._within_epoch = False
        self.is_over = step is None and epoch is None

    def look(self, ended=False):
        """The alarm, a sentence, or None."""
        while not self.is_over:
            try:
                with open(self._path, "rb") as file:
                    file.seek(self._at)
                    block = file.read(min(BLOCK, self._end - self._at))
            except OSError:
                return None
            self._at += len(block)
            # A bar that is drawn over and over ends its lines by \r alone.
            lines = (self._rest + block).replace(b"\r", b"\n").split(b"\n")
            self._rest = b"" if ended and not block else lines.pop()[-BLOCK:]
            for line in lines:
                alarm = self._judge(line.decode("utf-8", "replace"))
                if self.is_over:
                    return alarm
            if self._at >= self._end or ended and not block:
                self.is_over = True
            if not block:
                return None
        return None

    def _judge(self, line):
        step, total, epoch, is_bar = log_steps.read(line)
        if epoch is not None and step is None:
            self._within_epoch = True
            if self._epoch is not None and (self._step is None or epoch < self._epoch):
                return self._found("epoch", epoch, self._epoch)
        if step is None or self._step is None:
            if epoch is not None and self._epoch is not None and self._step is None:
                return self._found("epoch", epoch, self._epoch)
            return None
        # What counts to less than the checkpoint's step, or comes after an epoch's own line, counts within an epoch or something else.
        if total is not None and total <= self._step or is_bar and self._within_epoch:
            return None
        if epoch is not None and step < self._step and (epoch >= self._epoch if self._epoch is not None else epoch > 1):
            return None  # the epoch is right: the step counts within it
        return self._found("step", step, self._step)

    def _found(self, what, seen, own):
        self.is_over = True
        if seen >= own:
            return None
        return ("the first %s logged after the resume is %d, below the checkpoint's %d: the script repeats work or did not load it; check that it reads "
                "--resume-from or RUNCTL_RESUME_FROM and restores its counter, or stop it" % (what, seen, own))


def of(run, folder):
    """For a run that resumed, from where its script's log begins; None for others."""
    if not run.get("resume_from"):
        return None
    return ResumeAlarm(os.path.join(str(folder), "log"), run.get("log_from") or 0, run.get("resume_step"), run.get("resume_epoch"))
