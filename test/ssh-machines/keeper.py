"""Keeps machines with a real sshd: each is a process of namespaces with an sshd as its first process, and a folder as its home.

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


class Machine:
    def __init__(self, folder, sshd, name, port):
        self.folder = os.path.join(folder, name)
        self.sshd = sshd
        self.port = port
        self.process = None

    def on(self):
        if self.process is not None and self.process.poll() is None:
            return
        # Its own account file says where its user's home is; its own /proc shows its processes alone.
        script = 'mount --bind "$1/passwd" /etc/passwd && exec "$2" -D -f "$1/sshd_config"'
        command = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "/bin/sh", "-c", script, "machine", self.folder, self.sshd]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def off(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None


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
