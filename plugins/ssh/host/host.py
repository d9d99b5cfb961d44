"""What runs on a machine for each call of runctl-plugin-ssh: it is sent over standard input and kept nowhere.

One line of JSON asks, a script and its input may follow. The answer is a stream of packets on standard output (a letter, four bytes of length,
the content), so that what a login shell prints on its own is told apart. Python 3.8 and the standard library.
"""
import errno
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HOME = os.path.expanduser("~")
RECORD = os.path.join(HOME, ".runctl-ssh.json")
LOCK = os.path.join(HOME, ".runctl-ssh.lock")
OWN = os.path.join(HOME, ".runctl")
# One argument of a program has at most 128 KiB on Linux.
MAX_ARGUMENT_BYTES = 96 * 1024
# What is still in the pipe when the script ends comes at once; what a background process prints later is nobody's.
DRAIN_IDLE = 0.05
DRAIN_LIMIT = 1.0
TERM_SECONDS = 2.0
# A machine that answers so long after it was told to suspend did not, or is back.
STOPPING_SECONDS = 300
START_GRACE_SECONDS = 900
# What this file says, where it came over standard input.
PROGRAM = globals().get("program", b"").decode()

source = sys.stdin.buffer
writing = threading.Lock()


class Refused(Exception):
    """Told to the caller: a code of runctl's and a sentence."""

    def __init__(self, code, message, **details):
        super().__init__(message)
        self.code = code
        self.details = details


def packet(kind, content):
    view = memoryview(kind + struct.pack(">I", len(content)) + content)
    with writing:
        while view:
            try:
                view = view[os.write(1, view):]
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    select.select([], [1], [])
                    continue
                leave()


def answer(value):
    packet(b"x", json.dumps(value).encode())


def leave():
    """The caller is gone. What it had begun is ended."""
    for group in list(groups):
        end_group(group)
    os._exit(0)


groups = set()


def end_group(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass


# The record: who has the machine. It lies beside ~/.runctl, which goes when the machine is released.

def locked(change):
    handle = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX)
        return change()
    finally:
        os.close(handle)


def read_record():
    try:
        with open(RECORD, encoding="utf-8") as file:
            record = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refused("platform_failed", "%s cannot be read: %s" % (RECORD, error))
    if not isinstance(record, dict) or not isinstance(record.get("tags"), dict):
        raise Refused("platform_failed", "%s is not what runctl writes there" % RECORD)
    return record


def write_record(record):
    handle, name = tempfile.mkstemp(prefix=".runctl-ssh.", dir=HOME)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(name, RECORD)
    except BaseException:
        os.unlink(name)
        raise
    return record


def time_text(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (seconds % 1 * 1000)


def boot_seconds():
    """When the machine was booted, by the clock on the wall; None where it is not told."""
    try:
        with open("/proc/stat") as file:
            for line in file:
                if line.startswith("btime "):
                    return float(line.split()[1])
    except OSError:
        pass
    return None


def boot_id():
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return "unknown"


def slept_seconds():
    """How long the machine was suspended since it was booted."""
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    except (AttributeError, OSError):
        return 0.0


def without_stopping(record):
    return {key: value for key, value in record.items() if not key.startswith("stopping_") and key != "stopped_at"}


def came_back(record):
    """A machine that is marked as stopping answers: it was off, or suspended, in between, or never went."""
    if record.get("stopping_boot_id") != boot_id() or slept_seconds() - record.get("stopping_slept", 0.0) > 1.0:
        return True
    return time.time() - record.get("stopping_at", 0.0) > STOPPING_SECONDS


def running_again(record):
    # A start is told by this time alone, so two never share it, whatever the clock does.
    launched = max(time.time(), record.get("launched", 0.0) + 0.001)
    kept = without_stopping(record)
    forget_power_off()
    times = {"launched": launched, "launched_at": time_text(launched), "starts": record.get("starts", 0) + 1}
    return write_record({**kept, "state": "running", "state_reason": None, **times})


def used_seconds(record):
    """Of running, all starts together."""
    current = max(0.0, time.time() - record["launched"]) if record["state"] == "running" else 0.0
    return record.get("used", 0.0) + current


def forget_power_off():
    try:
        os.unlink(os.path.join(OWN, "power-off"))
    except OSError:
        pass


def current():
    record = read_record()
    if record is not None and record["state"] == "stopping" and came_back(record):
        return running_again(record)
    return record


def facts():
    booted = boot_seconds()
    return {"now": time.time(), "python": list(sys.version_info[:3]), "boot_at": None if booted is None else time_text(booted), "home": HOME}


def new_record(request, tags):
    """Of a machine that is claimed now; one that is only used has run since its boot."""
    now = time.time()
    launched = now if request.get("request_id") else boot_seconds() or now
    record = {"version": 1, "id": request["id"], "request_id": request.get("request_id"), "state": "running", "state_reason": None, "created_at": time_text(now)}
    return {**record, "launched": launched, "launched_at": time_text(launched), "starts": 0, "tags": tags}


def look(_request):
    return {"record": locked(current), **facts()}


def claim(request):
    def change():
        record = current()
        if record is not None and record["state"] != "terminated":
            return {"record": record, "made": record.get("request_id") == request["request_id"]}
        made = new_record(request, request["tags"])
        keep_suspend(request.get("suspend"))
        if request.get("limits") is not None:
            lay_limits(request["limits"])
        write_record(made)
        begin_watch(request["id"])
        return {"record": made, "made": True, "fresh": True}

    return locked(change)


def tag(request):
    def change():
        record = current()
        if record is None:
            record = new_record(request, {})
            keep_suspend(request.get("suspend"))
        return {"record": write_record({**record, "tags": {**record["tags"], **request["tags"]}})}

    return locked(change)


def started(request):
    def change():
        record = read_record()
        if record is not None and (record["state"] == "stopping" or (request["woken"] and record["state"] == "running")):
            record = running_again(record)
        begin_watch(request["id"])
        return {"record": record, **facts()}

    return locked(change)


def release(request):
    def change():
        record = current()
        end_everything(request["id"])
        if record is None:
            record = new_record(request, {})
        remove_own()
        return {"record": write_record({**record, "state": "terminated", "terminated_at": time_text(time.time())})}

    return locked(change)


def remove_own():
    """What runctl laid down for itself. Projects, checkpoints and outputs are their owner's."""
    import shutil

    def again(function, path, _error):
        try:
            os.chmod(os.path.dirname(path), 0o700)
            function(path)
        except OSError:
            pass

    if os.path.isdir(OWN) and not os.path.islink(OWN):
        shutil.rmtree(OWN, onerror=again)


def stop(request):
    """Ends what runctl started here, then suspends the machine by the command that its owner configured."""
    record = locked(lambda: mark_stopping(request["id"], request.get("reason")))
    # The machine may be gone before there is a last word.
    packet(b"m", json.dumps({"record": record}).encode())
    go_down(request["suspend"])
    return {"record": record}


def mark_stopping(instance_id, reason):
    record = current()
    if record is None:
        record = new_record({"id": instance_id}, {})
    if record["state"] == "terminated":
        raise Refused("wrong_state", "it was released", state="terminated")
    end_everything(instance_id)
    if record["state"] == "stopping":
        return record
    now = time.time()
    mark = {"stopping_at": now, "stopping_boot_id": boot_id(), "stopping_slept": slept_seconds(), "used": used_seconds(record), "stopped_at": time_text(now)}
    return write_record({**record, **mark, "state": "stopping", "state_reason": reason})


def go_down(command):
    status, words = suspend(command)
    if status == 0:
        return

    def undo():
        record = read_record()
        # What ran before has run on: its hours are counted from its launch again.
        write_record({**without_stopping(record), "used": record["used"] - (record["stopping_at"] - record["launched"]), "state": "running", "state_reason": None})

    locked(undo)
    raise Refused("platform_failed", "its suspend command ended with %d: %s" % (status, words or "it said nothing"))


def suspend(command):
    process = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=HOME, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        return 0, ""
    return process.returncode, output.decode("utf-8", "replace").strip()[-500:]


def keep_suspend(command):
    """For the watch, which stops the machine although nobody is there."""
    if command is None or read_text("suspend-command") == command:
        return
    os.makedirs(OWN, mode=0o700, exist_ok=True)
    write_private(os.path.join(OWN, "suspend-command"), command)


def read_text(name):
    """The start of a file of runctl's own here; None where there is none."""
    try:
        with open(os.path.join(OWN, name), encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except OSError:
        return None


def write_private(path, text):
    name = "%s.%d" % (path, os.getpid())
    with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(name, path)


def lay_limits(limits):
    os.makedirs(OWN, mode=0o700, exist_ok=True)
    write_private(os.path.join(OWN, "limits.json"), limits["for_agent"])
    words = ["-" if seconds is None else str(int(-(-seconds // 1))) for seconds in (limits["hard"], limits["unattended"])]
    write_private(os.path.join(OWN, "watch"), " ".join(words) + "\n")


# Processes: everything that runctl starts here has the id in its environment, and hands it on.

def own_processes(instance_id):
    marker = ("RUNCTL_INSTANCE_ID=%s" % instance_id).encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/%s/environ" % name, "rb") as file:
                if marker in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            pass
    return found


def end_everything(instance_id):
    if not os.path.isdir("/proc/self"):
        raise Refused("platform_failed", "this machine has no /proc: what runctl started on it cannot be found")
    deadline = time.monotonic() + TERM_SECONDS
    for pid in own_processes(instance_id):
        send(pid, signal.SIGTERM)
    while own_alive(instance_id) and time.monotonic() < deadline:
        time.sleep(0.05)
    # What forks faster than it is found is found again.
    for _ in range(100):
        left = own_alive(instance_id)
        if not left:
            return
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(0.02)
    raise Refused("platform_failed", "processes %s cannot be ended" % ", ".join(map(str, left)))


def own_alive(instance_id):
    """A zombie has an empty environment: it is not among them."""
    return own_processes(instance_id)


def send(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass


# The watch: it keeps the limits of this machine although nobody ever comes. Nobody here is root; it lives from a start of the machine by runctl to its stop.

def begin_watch(instance_id):
    if read_text("suspend-command") is None or (read_text("watch") is None and read_text("power-off") is None and read_text("ssh-watch.py") is None):
        return
    write_private(os.path.join(OWN, "ssh-watch.py"), PROGRAM)
    subprocess.run([sys.executable or "python3", os.path.join(OWN, "ssh-watch.py"), "watch", instance_id], stdin=subprocess.DEVNULL, cwd=HOME, env={**os.environ, "RUNCTL_INSTANCE_ID": instance_id}, check=True)


def watch(instance_id):
    """Goes on in the background, once."""
    handle = os.open(os.path.join(OWN, "ssh-watch.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    begun = time.time()
    while os.path.isdir(OWN):
        time.sleep(1)
        try:
            wish = wish_to_stop(begun)
            if wish is not None:
                stop_by_itself(instance_id, *wish)
        except (OSError, Refused):
            # A full disk, a suspend command that fails: again, as long as the limit stands.
            time.sleep(10)


def wish_to_stop(begun):
    """The reason and a sentence; None: to go on."""
    asked = read_text("power-off")
    if asked is not None:
        try:
            word = json.loads(asked)
        except ValueError:
            word = {}
        reason = word.get("reason") if isinstance(word, dict) else None
        return (reason if reason in ("budget", "idle") else None,)
    hard, unattended = watch_figures()
    record = read_record()
    now = time.time()
    if hard is not None and record is not None and record["state"] == "running" and used_seconds(record) > hard:
        # Who starts it again has a while to give it more.
        if record.get("used", 0.0) == 0 or now - record["launched"] > START_GRACE_SECONDS:
            return ("budget",)
    if unattended is not None and now - max(begun, modified("guard-alive")) > unattended:
        return ("budget",)
    return None


def watch_figures():
    """What is damaged is passed over."""
    words = (read_text("watch") or "").split()
    return tuple(int(word) if word.isdigit() else None for word in words) if len(words) == 2 else (None, None)


def modified(name):
    try:
        return os.stat(os.path.join(OWN, name)).st_mtime
    except OSError:
        return 0.0


def stop_by_itself(instance_id, reason):
    command = read_text("suspend-command")
    if command is None:
        return
    locked(lambda: mark_stopping(instance_id, reason))
    go_down(command)


# Scripts.

def environment(request, record):
    own = {**os.environ, "HOME": HOME, "RUNCTL_INSTANCE_ID": request["id"]}
    # A suspended machine comes back with the boot id that it had, and without the processes of before.
    starts = 0 if record is None else record.get("starts", 0)
    own["RUNCTL_BOOT_ID"] = boot_id() if starts == 0 else "%s-%d" % (boot_id(), starts)
    if record is not None:
        own["RUNCTL_BOOT_AT"] = record["launched_at"]
    return own


def run(request):
    script = source.read(request["script"])
    record = locked(current)
    keep_suspend(request.get("suspend"))
    state = "running" if record is None else record["state"]
    if state != "running":
        raise Refused("wrong_state", "it is %s" % state, state=state)
    arguments, file = prepare(script)
    try:
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=HOME, env=environment(request, record), start_new_session=True)
        groups.add(process.pid)
        threading.Thread(target=feed, args=(process.stdin, request["input"]), daemon=True).start()
        why = relay(process, time.monotonic() + request["timeout"], request["most"])
        groups.discard(process.pid)
        if why is not None:
            end_group(process.pid)
            process.wait()
            return {"why": why}
        return {"status": process.returncode if process.returncode >= 0 else 128 - process.returncode}
    finally:
        if file is not None:
            os.unlink(file)


def prepare(script):
    if len(script) <= MAX_ARGUMENT_BYTES:
        return ["/bin/sh", "-c", "--", os.fsdecode(script)], None
    handle, name = tempfile.mkstemp(prefix="runctl-script-")
    with os.fdopen(handle, "wb") as file:
        file.write(script)
    return ["/bin/sh", name], name


def feed(pipe, left):
    """The script's input; then nothing more may come, and the end of the stream means that the caller is gone."""
    try:
        while left > 0:
            piece = source.read1(min(left, 65536))
            if not piece:
                leave()
            left -= len(piece)
            if pipe is not None:
                try:
                    pipe.write(piece)
                except OSError:
                    pipe = abandon(pipe)
        if pipe is not None:
            abandon(pipe)
        source.read(1)
    finally:
        leave()


def abandon(pipe):
    try:
        pipe.close()
    except OSError:
        pass
    return None


def relay(process, deadline, most):
    """Hands on what the script prints until it has ended; None, or why it was ended."""
    kinds = {process.stdout.fileno(): b"o", process.stderr.fileno(): b"e"}
    printed = {b"o": 0, b"e": 0}
    ended = quiet = None
    while True:
        now = time.monotonic()
        if ended is None and process.poll() is not None:
            ended = quiet = now
        if ended is not None and (not kinds or now - quiet >= DRAIN_IDLE or now - ended > DRAIN_LIMIT):
            return None
        if ended is None and now > deadline:
            return "time"
        ready = select.select(list(kinds), [], [], 0.02)[0] if kinds else time.sleep(0.01) or []
        for handle in ready:
            piece = os.read(handle, 65536)
            if not piece:
                del kinds[handle]
                continue
            quiet = time.monotonic()
            kind = kinds[handle]
            printed[kind] += len(piece)
            if printed[kind] > most:
                return "output"
            packet(kind, piece)


OPERATIONS = {"claim": claim, "look": look, "release": release, "run": run, "started": started, "stop": stop, "tag": tag}


def main():
    # The first packet: from here on the machine is at work.
    packet(b"h", b"")
    request = json.loads(source.readline().decode())
    if sys.version_info < (3, 8):
        raise Refused("platform_failed", "its python3 is %d.%d; runctl needs 3.8 or newer" % sys.version_info[:2])
    answer(OPERATIONS[request["op"]](request))


if sys.argv[1:2] == ["watch"]:
    watch(sys.argv[2])
    os._exit(0)
if sys.argv[1:2] == ["set-up-watch"]:
    # A script of the provider's: this file lies where its limits do.
    with open(__file__, encoding="utf-8") as own_file:
        PROGRAM = own_file.read()
    begin_watch(sys.argv[2])
    os._exit(0)
try:
    main()
except Refused as refused:
    answer({"refused": {"code": refused.code, "message": str(refused), "details": refused.details}})
except Exception as error:
    answer({"refused": {"code": "platform_failed", "message": "%s: %s" % (type(error).__name__, error), "details": {}}})
sys.stdout.flush()
os._exit(0)
