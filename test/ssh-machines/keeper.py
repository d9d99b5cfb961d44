"""Keeps machines with a real sshd: each has an sshd in a namespace of mounts, and a folder as its home.

    keeper.py FOLDER SSHD NAME:PORT…

A machine is told to boot or to go down by a line `on NAME` or `off NAME` on the datagram socket FOLDER/control. All end with this program, and this one
with its standard input, so that nothing outlives the test that began it.
"""
import os
import select
import signal
import socket
import subprocess
import sys
import time


class Machine:
    def __init__(self, folder, sshd, name, port):
        self.folder = os.path.join(folder, name)
        self.sshd = sshd
        self.port = port
        self.process = None

    def on(self):
        if self.process is not None and self.process.poll() is None:
            return
        # Its own account file says where its user's home is.
        script = 'mount --bind "$1/passwd" /etc/passwd && exec "$2" -D -f "$1/sshd_config"'
        command = ["unshare", "--mount", "/bin/sh", "-c", script, "machine", self.folder, self.sshd]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def off(self):
        if self.process is None:
            return
        # Every process of the machine shares its mounts, whoever began it.
        space = namespace_of(self.process.pid)
        while True:
            found = [pid for pid in processes() if namespace_of(pid) == space] if space is not None else []
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            self.process.poll()
            if not found:
                break
            time.sleep(0.01)
        self.process.wait()
        self.process = None


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def namespace_of(pid):
    """None: it is gone, or only waits to be collected."""
    try:
        return os.readlink("/proc/%d/ns/mnt" % pid)
    except OSError:
        return None


def main():
    folder, sshd = sys.argv[1:3]
    machines = {}
    for word in sys.argv[3:]:
        name, port = word.rsplit(":", 1)
        machines[name] = Machine(folder, sshd, name, int(port))
    control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    control.bind(os.path.join(folder, "control"))
    os.chmod(os.path.join(folder, "control"), 0o600)
    for machine in machines.values():
        machine.on()
    print("ready", flush=True)
    while True:
        ready = select.select([control, 0], [], [])[0]
        if 0 in ready and not os.read(0, 4096):
            break
        if control in ready:
            word, _, name = control.recv(4096).decode().strip().partition(" ")
            if name in machines:
                {"on": machines[name].on, "off": machines[name].off}[word]()
    for machine in machines.values():
        machine.off()


main()
