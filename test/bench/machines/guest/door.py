"""Where programs of an instance ask its process 1 for what the kernel gives to root alone: powering off, and running as root (tools.py)."""
import array
import asyncio
import json
import os
import pwd
import socket
import struct
import subprocess

import tools

ROOT, USER = 0, 1000
STREAMS = 3


class Door:
    def __init__(self, init, sudo):
        self.init = init
        self.sudo = sudo

    def open(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(tools.DOOR)
        os.chmod(tools.DOOR, 0o666)
        listener.listen(64)
        asyncio.get_running_loop().add_reader(listener.fileno(), self.accept, listener)

    def accept(self, listener):
        connection, _ = listener.accept()
        try:
            answer = self.obey(connection)
        except (OSError, KeyError, ValueError) as error:
            answer = {"error": str(error)}
        if answer is not None:
            reply(connection, answer)

    def obey(self, connection):
        """The answer, or None where it comes later."""
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        connection.settimeout(5)
        _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_LEN(STREAMS * array.array("i").itemsize))
        streams = array.array("i")
        for _, _, data in ancillary:
            streams.frombytes(data)
        try:
            message = json.loads(read_line(connection))
            if message["do"] == "power-off":
                if uid != ROOT:
                    raise ValueError("must be root")
                self.init.tell({"power_off": True})
                return {"status": 0}
            if uid != ROOT and (uid != USER or not self.sudo):
                raise ValueError("sudo: a password is required")
            self.run_as(message, streams, connection)
            return None
        finally:
            for fd in streams:
                os.close(fd)

    def run_as(self, message, streams, connection):
        user = pwd.getpwnam(message["user"])
        environment = {**self.init.environment, "HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name, **message["variables"]}

        def become():
            if user.pw_uid != ROOT:
                os.setgroups([])
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)

        process = subprocess.Popen(
            message["arguments"], cwd=message["folder"], env=environment, preexec_fn=become, stdin=streams[0], stdout=streams[1], stderr=streams[2],
        )
        self.init.when_ended(process, lambda status: reply(connection, {"status": status}))


def read_line(connection):
    text = b""
    while not text.endswith(b"\n"):
        part = connection.recv(1 << 16)
        if not part:
            break
        text += part
    return text


def reply(connection, answer):
    try:
        connection.sendall(json.dumps(answer).encode() + b"\n")
    except OSError:
        pass
    connection.close()
