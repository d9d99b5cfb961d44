"""
Makes and ends instances, each in namespaces of its own. Lives as long as its standard input: when that ends, everything
it made is gone, mounts, processes and folder.

In, a line each:  {"boot": ID, "number": N, "boot_id", "disk_mib", "user", "env", "port", "endpoint",
                          "hide", "user_data", "sudo"}  {"kill": ID}  {"remove": ID}
Out:              {"ready": true}  {"booted": ID, "number": N, "pid": P}  {"gone": ID, "number": N}  {"removed": ID}
An instance's process 1 tells what follows over a connection of its own to the socket FOLDER/control; its IMDS is the socket FOLDER/imds/ID.
"""
import asyncio
import errno
import json
import os
import select
import shutil
import signal
import socket
import sys
import traceback

import disk
import init
import linux
import tools

IMDS_ADDRESS = "169.254.169.254"


def main(folder):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wake_in, wake_out = os.pipe()
    for end in (wake_in, wake_out):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake_out)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    linux.unshare(linux.NEWNS)
    linux.mount("none", "/", None, linux.REC | linux.PRIVATE)
    host = Host(folder)
    say({"ready": True})
    try:
        host.work(wake_in)
    finally:
        host.end_all()
        shutil.rmtree(folder, ignore_errors=True)


def say(message):
    try:
        os.write(1, json.dumps(message).encode() + b"\n")
    except BrokenPipeError:
        pass


class Host:
    def __init__(self, folder):
        self.folder = folder
        self.pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self.on_tmpfs = not carries_overlays(folder)
        self.running = {}

    def work(self, wake):
        pending = b""
        while True:
            for fd in select.select([0, wake], [], [])[0]:
                data = os.read(fd, 1 << 16)
                if fd == wake:
                    self.collect(os.WNOHANG)
                    continue
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))

    def obey(self, message):
        if "boot" in message:
            self.boot(message)
        elif "kill" in message:
            self.kill(message["kill"])
        elif "remove" in message:
            disk.remove(self.place(message["remove"]))
            say({"removed": message["remove"]})

    def place(self, instance_id):
        return os.path.join(self.folder, "machines", instance_id)

    def boot(self, message):
        """Process 1 of the new namespace is a child of this one: its death is told here, after that of all it held."""
        disk.prepare(self.place(message["boot"]), message["disk_mib"], self.on_tmpfs)
        linux.unshare(linux.NEWPID)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                become_instance(self.folder, self.place(message["boot"]), message, self.on_tmpfs)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        linux.setns(self.pid_namespace, linux.NEWPID)
        self.running[pid] = (message["boot"], message["number"])
        say({"booted": message["boot"], "number": message["number"], "pid": pid})

    def kill(self, instance_id):
        for pid, (each, _) in self.running.items():
            if each == instance_id:
                os.kill(pid, signal.SIGKILL)

    def collect(self, flags):
        while self.running:
            pid, _ = os.waitpid(-1, flags)
            if pid == 0:
                return
            instance_id, number = self.running.pop(pid)
            say({"gone": instance_id, "number": number})

    def end_all(self):
        for pid in self.running:
            os.kill(pid, signal.SIGKILL)
        self.collect(0)
        machines = self.place("")
        for instance_id in os.listdir(machines):
            disk.remove(self.place(instance_id))


def carries_overlays(folder):
    """Whether an overlay's upper layer may lie in this folder: not where that is an overlay itself, as in many containers."""
    trial = os.path.join(folder, "trial")
    disk.prepare(trial, None, False)
    try:
        linux.unmount(disk.mount_root(trial))
        return True
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        return False
    finally:
        disk.remove(trial)


def become_instance(folder, place, message, on_tmpfs):
    linux.die_with_parent(signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    control = socket.socket(socket.AF_UNIX)
    control.connect(os.path.join(folder, "control"))
    try:
        listeners = set_up(folder, place, message, on_tmpfs)
    except Exception:
        control.sendall(json.dumps({"id": message["boot"], "number": message["number"], "error": traceback.format_exc()}).encode() + b"\n")
        raise
    control.sendall(json.dumps({"id": message["boot"], "number": message["number"]}).encode() + b"\n")
    asyncio.run(init.Init({"id": message["boot"], **{name: message[name] for name in ("env", "user_data", "sudo")}}).serve(control, listeners))


def set_up(folder, place, message, on_tmpfs):
    os.setsid()
    os.umask(0o022)
    imds, endpoint = (os.open(path, os.O_PATH) for path in (os.path.join(folder, "imds", message["boot"]), message["endpoint"]))
    linux.unshare(linux.NEWNS | linux.NEWNET | linux.NEWUTS | linux.NEWIPC)
    host_name = "ip-10-0-%d-%d" % tuple(bytes.fromhex(message["boot"][-4:]))
    socket.sethostname(host_name)
    disk.hide(place, message["hide"])
    root = disk.mount_root(place)
    disk.mount_system(root, message["boot_id"])
    if disk.first_boot(root, message["user"], host_name):
        tools.install(root)
    linux.pivot_to(root)
    with open("/proc/self/comm", "w") as f:
        f.write("init")
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    linux.loopback_up(IMDS_ADDRESS)
    linux.keep_off_this_machine()
    return [
        (listen(IMDS_ADDRESS, 80), "/proc/self/fd/%d" % imds),
        (listen("127.0.0.1", message["port"]), "/proc/self/fd/%d" % endpoint),
    ]


def listen(address, port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    return s


if __name__ == "__main__":
    main(sys.argv[1])
