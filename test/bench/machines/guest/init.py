"""
Process 1 of an instance: collects orphans, runs SSM scripts as the agent does, carries connections to the bench, and starts what belongs to a boot.
"""
import asyncio
import base64
import json
import os
import signal
import subprocess
import time

import cloud_init
import door

SCRIPTS = "/var/lib/amazon/ssm/%s/document/orchestration/%s/awsrunShellScript"
OUTPUT_LIMIT = 1 << 20
KILLED = 137
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Script:
    def __init__(self, run_id, process):
        self.run_id = run_id
        self.process = process
        self.output = {"stdout": bytearray(), "stderr": bytearray()}
        self.open = set()
        self.timer = None


class Init:
    def __init__(self, settings):
        self.settings = settings
        self.scripts = {}
        self.by_pid = {}
        self.writer = None
        self.environment = {"PATH": PATH, **settings["env"]}

    async def serve(self, control, listeners):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self.reap)
        reader, self.writer = await asyncio.open_connection(sock=control, limit=1 << 24)
        for listener, target in listeners:
            await asyncio.start_server(lambda r, w, target=target: carry(target, r, w), sock=listener, backlog=512)
        door.Door(self, self.settings["sudo"]).open()
        self.tell({"up": True})
        cloud_init.run_at_boot(self, self.settings["user_data"])
        while True:
            line = await reader.readline()
            if not line:
                os._exit(0)
            message = json.loads(line)
            if "run" in message:
                self.run(message)
            elif "cancel" in message:
                self.kill(message["cancel"], False)
            elif "shutdown_ms" in message:
                await shut_down(message["shutdown_ms"] / 1000)
                os._exit(0)

    def tell(self, message):
        self.writer.write(json.dumps(message).encode() + b"\n")

    def run(self, message):
        run_id = message["run"]
        try:
            process = self.spawn(run_id, base64.b64decode(message["script"]))
        except OSError as error:
            self.tell(ended(run_id, 1, None, False, b"", b"failed to run commands: %s" % str(error).encode()))
            return
        script = Script(run_id, process)
        self.scripts[run_id] = script
        self.when_ended(process, lambda _: self.settle(script))
        loop = asyncio.get_running_loop()
        for name in ("stdout", "stderr"):
            pipe = getattr(process, name)
            os.set_blocking(pipe.fileno(), False)
            script.open.add(pipe)
            loop.add_reader(pipe.fileno(), self.read, script, pipe, script.output[name])
        script.timer = loop.call_later(message["timeout_ms"] / 1000, self.kill, run_id, True)

    def spawn(self, run_id, text):
        folder = SCRIPTS % (self.settings["id"], run_id)
        os.makedirs(folder, 0o700)
        path = os.path.join(folder, "_script.sh")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "wb") as f:
            f.write(text + b"\n")
        return subprocess.Popen(
            ["sh", "-c", path], cwd="/usr/bin", env=self.environment, preexec_fn=os.setpgrp,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def read(self, script, pipe, kept):
        try:
            data = os.read(pipe.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if data:
            kept += data[:max(0, OUTPUT_LIMIT - len(kept))]
            return
        self.close(script, pipe)
        self.settle(script)

    def close(self, script, pipe):
        asyncio.get_running_loop().remove_reader(pipe.fileno())
        pipe.close()
        script.open.discard(pipe)

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            process, then = self.by_pid.pop(pid, (None, None))
            if process is not None:
                process.returncode = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                process.wait_status = status
                then(process.returncode)

    def when_ended(self, process, then):
        """`then` is given the exit status, 128 + n where signal n ended it. All children are waited for here, never by their Popen."""
        self.by_pid[process.pid] = (process, then)

    def settle(self, script):
        """A script has ended when its process has and nobody holds its output any more."""
        if script.process.returncode is None or script.open or script.run_id not in self.scripts:
            return
        status = script.process.wait_status
        self.end(script, script.process.returncode, os.WTERMSIG(status) if os.WIFSIGNALED(status) else None, False)

    def kill(self, run_id, timed_out):
        """Cancel and timeout: the group is killed, and whoever else holds the output is not waited for."""
        script = self.scripts.get(run_id)
        if script is None:
            return
        try:
            os.killpg(script.process.pid, signal.SIGKILL)
        except OSError:
            pass
        self.end(script, KILLED, int(signal.SIGKILL), timed_out)

    def end(self, script, code, signal_number, timed_out):
        del self.scripts[script.run_id]
        script.timer.cancel()
        for pipe in list(script.open):
            self.close(script, pipe)
        self.tell(ended(script.run_id, code, signal_number, timed_out, script.output["stdout"], script.output["stderr"]))


def ended(run_id, code, signal_number, timed_out, stdout, stderr):
    out, err = (base64.b64encode(b).decode() for b in (stdout, stderr))
    return {"ended": run_id, "exit": code, "signal": signal_number, "timed_out": timed_out, "stdout": out, "stderr": err}


async def shut_down(grace_s):
    """As an operating system does: SIGTERM to all, and a while for them to end. The rest dies with this process."""
    deadline = time.monotonic() + grace_s
    try:
        os.kill(-1, signal.SIGTERM)
        os.kill(-1, signal.SIGCONT)
    except OSError:
        pass
    while time.monotonic() < deadline and any(name.isdigit() and name != "1" for name in os.listdir("/proc")):
        await asyncio.sleep(0.005)


async def carry(target, reader, writer):
    """One connection of the instance, carried to a unix socket of the bench."""
    try:
        far_reader, far_writer = await asyncio.open_unix_connection(target, limit=1 << 20)
    except OSError:
        writer.transport.abort()
        return
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
    for each in (writer, far_writer):
        each.close()


async def pump(reader, writer):
    try:
        while True:
            data = await reader.read(1 << 18)
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()
