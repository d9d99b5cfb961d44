"""What the machine is busy with: processor, memory, disk, GPUs, and the processes of this instance."""

import os
import re
import shutil
import subprocess
import time

from . import paths, process_table
from .clock import iso

SAMPLE_S = 0.2
GPU_TIMEOUT_S = 5
MAX_PROCESSES = 100
MAX_COMMAND = 200
INSTANCE = "RUNCTL_INSTANCE_ID"
_GPU_FIELDS = "index,name,utilization.gpu,memory.used,memory.total,temperature.gpu"
_MIB = 1 << 20


def processes(request):
    # nvidia-smi takes its time; it works while the processor is sampled.
    asked = [_ask_nvidia("--query-gpu=" + _GPU_FIELDS), _ask_nvidia("--query-compute-apps=pid,used_memory")]
    listed = _from_proc() if os.path.exists("/proc/self/stat") else _from_ps()
    deadline = time.monotonic() + GPU_TIMEOUT_S
    gpu_lines, app_lines = [_answer_of(process, deadline) for process in asked]
    on_gpu = _memory_by_pid(app_lines or [])
    for one in listed:
        one["gpu_memory_bytes"] = on_gpu.get(one["pid"])
    wanted = request.get("run_id")
    listed = [one for one in listed if one["pid"] != os.getpid() and wanted in (None, one["run_id"])]
    listed.sort(key=lambda one: (one["run_id"] is None, -(one["cpu_percent"] or 0), -(one["memory_bytes"] or 0)))
    total, used = _memory()
    disk = shutil.disk_usage(str(paths.home()))
    return {
        "now": iso(time.time()), "cpu_count": _cpu_count(), "load_1min": _load(), "memory_total_bytes": total, "memory_used_bytes": used,
        "disk_total_bytes": disk.total, "disk_free_bytes": disk.free,
        "gpus": None if gpu_lines is None else _gpus(gpu_lines), "processes": listed[:MAX_PROCESSES],
    }


def _cpu_count():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _load():
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def _memory():
    """(total, used); used is what a program could not get without swapping."""
    known = {key: int(value) * 1024 for key, value in re.findall(rb"^(\w+):\s+(\d+) kB", process_table.read_or_nothing("/proc/meminfo"), re.M)}
    total, available = known.get(b"MemTotal"), known.get(b"MemAvailable")
    if total is None:
        try:
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError):
            pass
    return total, None if total is None or available is None else total - available


def _command(text):
    return text if len(text) <= MAX_COMMAND else text[: MAX_COMMAND - 1] + "…"


def _from_proc():
    seconds = 1.0 / os.sysconf("SC_CLK_TCK")
    page = os.sysconf("SC_PAGE_SIZE")
    belongs = _belongs()
    listed = [one for one in process_table.scan() if belongs(one)]
    before, started = {one["pid"]: _ticks(one["pid"]) for one in listed}, time.monotonic()
    time.sleep(SAMPLE_S)
    found, uptime = [], float((process_table.read_or_nothing("/proc/uptime").split() or [b"0"])[0])
    for one in listed:
        pid, first, now = one["pid"], before[one["pid"]], _ticks(one["pid"])
        if first is None or now is None or first["start"] != now["start"]:
            continue
        words = process_table.read_or_nothing("/proc/%d/cmdline" % pid).rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
        found.append({
            "pid": pid, "ppid": one["ppid"], "run_id": one["run_id"],
            "cpu_percent": round(100 * seconds * (now["used"] - first["used"]) / (time.monotonic() - started), 1),
            "memory_bytes": now["pages"] * page, "gpu_memory_bytes": None,
            "elapsed_s": max(0, round(uptime - now["start"] * seconds)), "command": _command(words or one.get("name", "")),
        })
    return found


def _ticks(pid):
    _, fields = process_table.stat_of(pid)
    if len(fields) < 22:
        return None
    return {"used": int(fields[11]) + int(fields[12]), "start": int(fields[19]), "pages": int(fields[21])}


def _belongs():
    """Several instances may share a machine and a user: then the mark in the environment tells, else the user."""
    own = os.environ.get(INSTANCE)
    runs = str(paths.runs_dir())

    def belongs(process):
        if process["run_id"] and os.path.isdir(os.path.join(runs, os.path.basename(process["run_id"]))):
            return True
        if own:
            return os.fsencode("%s=%s" % (INSTANCE, own)) in process_table.read_or_nothing("/proc/%d/environ" % process["pid"]).split(b"\0")
        try:
            return os.stat("/proc/%d" % process["pid"]).st_uid == os.getuid()
        except OSError:
            return False
    return belongs


def _from_ps():
    """Without /proc. The system's own averages of the processor, and the environment only of runs."""
    own, runs = os.environ.get(INSTANCE), {one["pid"]: one["run_id"] for one in process_table.scan()}
    columns = [part for name in ("pid", "ppid", "pcpu", "rss", "etime", "command") for part in ("-o", name + "=")]
    command = ["ps", "-ww", "-U", str(os.getuid())] + columns
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ, LC_ALL="C")).stdout
    found = []
    for line in output.decode("utf-8", "replace").splitlines():
        fields = line.split(None, 5)
        if len(fields) < 6 or not fields[0].isdigit():
            continue
        pid, run_id = int(fields[0]), runs.get(int(fields[0]))
        if run_id and os.path.isdir(str(paths.runs_dir() / os.path.basename(run_id))) or not own:
            found.append({
                "pid": pid, "ppid": int(fields[1]), "run_id": run_id, "cpu_percent": _number(fields[2]),
                "memory_bytes": int(fields[3]) * 1024, "gpu_memory_bytes": None,
                "elapsed_s": _elapsed(fields[4]), "command": _command(fields[5]),
            })
    return found


def _elapsed(text):
    """Seconds of `[[days-]hours:]minutes:seconds`."""
    days, _, clock = text.rpartition("-")
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds + 86400 * int(days or 0)


def _ask_nvidia(query):
    program = shutil.which("nvidia-smi")
    if not program:
        return None
    command = [program, query, "--format=csv,noheader,nounits"]
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return None


def gpus():
    """The GPUs as in the answer; None where there is no nvidia-smi."""
    lines = _answer_of(_ask_nvidia("--query-gpu=" + _GPU_FIELDS), time.monotonic() + GPU_TIMEOUT_S)
    return None if lines is None else _gpus(lines)


def _answer_of(process, deadline):
    """Its lines; None where there is no answer that can be trusted. A driver that hangs is not waited for."""
    if process is None:
        return None
    try:
        output = process.communicate(timeout=max(0.1, deadline - time.monotonic()))[0]
    except subprocess.TimeoutExpired:
        process.kill()
        process.stdout.close()
        try:
            process.wait(0.5)  # no longer: what hangs in a driver does not even die
        except subprocess.TimeoutExpired:
            pass
        return None
    return output.decode("utf-8", "replace").splitlines() if process.returncode == 0 else None


def _number(text, unit=1):
    try:
        value = float(text)
    except ValueError:
        return None  # `[N/A]`, `[Not Supported]`
    return int(value * unit) if unit != 1 else value


def _gpus(lines):
    found = []
    for fields in ([field.strip() for field in line.split(",")] for line in lines):
        if len(fields) >= 6 and fields[0].isdigit():
            found.append({
                "index": int(fields[0]), "name": ", ".join(fields[1:-4]), "utilization_percent": _number(fields[-4]),
                "memory_used_bytes": _number(fields[-3], _MIB), "memory_total_bytes": _number(fields[-2], _MIB),
                "temperature_c": _number(fields[-1]),
            })
    return found


def _memory_by_pid(lines):
    """A process may be on several GPUs."""
    found = {}
    for line in lines:
        pid, _, used = line.partition(",")
        memory = _number(used, _MIB)
        if pid.strip().isdigit():
            known = found.get(int(pid))
            found[int(pid)] = memory if known is None else known + (memory or 0)
    return found
