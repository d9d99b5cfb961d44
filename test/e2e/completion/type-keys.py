"""Types into an interactive shell on a terminal of its own and tells what stands on its command line then.

Standard input: JSON {"argv": [...], "env": {...}, "cwd": "...", "ready": FILE, "dump": FILE, "keys": [{"keys": "runctl lo\t", "see": TEXT}, ...], "timeout_s": N}. The shell makes READY
once it shows its prompt, and writes its line to DUMP when Ctrl-T is pressed: keys are taken in turn, so then the completion before it is through.
Where `see` is given, the text is waited for on the terminal before Ctrl-T.
Standard output: JSON [{"line": ..., "screen": what was written to the terminal meanwhile}, ...].
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

task = json.load(sys.stdin)
deadline = time.monotonic() + task["timeout_s"]
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(task["cwd"])
    os.execvpe(task["argv"][0], task["argv"], task["env"])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))


def screen_until(is_there):
    """What the shell writes until that holds of it."""
    written = b""
    while not is_there(written):
        if time.monotonic() > deadline:
            sys.exit("not in time:\n%s" % written.decode("utf-8", "replace"))
        if select.select([terminal], [], [], 0.05)[0]:
            written += os.read(terminal, 65536)
    while select.select([terminal], [], [], 0)[0]:
        written += os.read(terminal, 65536)
    return written


answers = []
try:
    screen_until(lambda _: os.path.exists(task["ready"]))
    for step in task["keys"]:
        os.write(terminal, step["keys"].encode())
        screen = screen_until(lambda written: step["see"].encode() in written)
        os.write(terminal, b"\x14")
        screen += screen_until(lambda _: os.path.exists(task["dump"]))
        with open(task["dump"], "rb") as dump:
            line = dump.read()
        os.unlink(task["dump"])
        # The whole line goes.
        os.write(terminal, b"\x05\x15")
        answers.append({"line": line.decode("utf-8", "replace"), "screen": screen.decode("utf-8", "replace")})
finally:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(json.dumps(answers))
