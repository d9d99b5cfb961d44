"""
What an instance has of an operating system's own programs: `shutdown`, `poweroff` and `halt` power it off, `sudo` runs something as root without a
password. One program under four names, which asks process 1 (door.py) over a socket.
"""
import json
import os
import socket
import stat
import sys

DOOR = "/run/bench-door"
NAMES = ("halt", "poweroff", "shutdown", "sudo")


def install(root):
    """Puts them in place of this machine's own, which would talk to a systemd that is not there."""
    with open(os.path.abspath(__file__)) as f:
        text = "#!/usr/bin/python3 -EsSB\n" + f.read()
    for name in NAMES:
        for folder in ("usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"):
            path = os.path.join(root, folder, name)
            if os.path.lexists(path):
                os.unlink(path)
        path = os.path.join(root, "usr/sbin" if name != "sudo" else "usr/bin", name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)


def power_off(name, arguments):
    if os.geteuid() != 0:
        return "%s: must be root" % name
    if "-r" in arguments or "-c" in arguments:
        return "%s: the bench only powers off" % name
    return ask({"do": "power-off"}, [])


def sudo(arguments):
    user = "root"
    while arguments and arguments[0].startswith("-"):
        option = arguments.pop(0)
        if option == "-u":
            user = arguments.pop(0)
        elif option == "--":
            break
        elif option not in ("-n", "-H", "-E"):
            return "sudo: the bench knows no option %s" % option
    variables = {}
    while arguments and "=" in arguments[0].split("/")[0]:
        name, value = arguments.pop(0).split("=", 1)
        variables[name] = value
    if not arguments:
        return "usage: sudo command"
    return ask({"do": "sudo", "user": user, "arguments": arguments, "variables": variables, "folder": os.getcwd()}, [0, 1, 2])


def ask(message, streams):
    """The exit status, or what is wrong."""
    import array

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(DOOR)
        s.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))] if streams else [])
        s.sendall(json.dumps(message).encode() + b"\n")
        answer = json.loads(s.makefile().readline() or '{"status": 1}')
    return answer.get("error") or answer["status"]


def main():
    name = os.path.basename(sys.argv[0])
    sys.exit(sudo(sys.argv[1:]) if name == "sudo" else power_off(name, sys.argv[1:]))


if __name__ == "__main__":
    main()
