"""
Ends the processes of instances that are folders: all that have RUNCTL_BENCH_MACHINE=FOLDER/ID in their environment.
In, a line each: {"folder": FOLDER} first, then {"end": ID, "grace_ms": N}. Out: {"ended": ID}. When the input ends, so does everything,
and the folder is removed.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folder = json.loads(sys.stdin.readline())["folder"]
    for line in sys.stdin:
        message = json.loads(line)
        end("RUNCTL_BENCH_MACHINE=%s/%s" % (folder, message["end"]), message["grace_ms"] / 1000)
        print(json.dumps({"ended": message["end"]}), flush=True)
    end("RUNCTL_BENCH_MACHINE=%s/" % folder, 0)
    shutil.rmtree(folder, ignore_errors=True)


def end(mark, grace_s):
    deadline = time.monotonic() + grace_s
    if grace_s > 0:
        send(marked(mark), signal.SIGTERM)
        while time.monotonic() < deadline and marked(mark):
            time.sleep(0.02)
    while True:
        pids = marked(mark)
        if not pids:
            return
        send(pids, signal.SIGKILL)
        time.sleep(0.01)


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            pass


def marked(mark):
    return [pid for pid, environment in environments() if mark.encode() in environment]


def environments():
    if os.path.isdir("/proc/self"):
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open("/proc/%s/environ" % name, "rb") as f:
                        yield int(name), f.read()
                except OSError:
                    pass
        return
    listing = subprocess.run(["ps", "axeww", "-o", "pid=,command="], stdout=subprocess.PIPE, check=False).stdout
    for line in listing.splitlines():
        pid, _, rest = line.strip().partition(b" ")
        yield int(pid), rest


main()
