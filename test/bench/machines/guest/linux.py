"""The few system calls that Python 3.8 has no name for."""
import ctypes
import os
import socket
import struct
from fcntl import ioctl

NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, MNT_DETACH = 1, 24, 2
CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_SYS_TIME = 16, 17, 22, 25
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
IFF_UP_RUNNING = 0x41

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    plain = [os.fsencode(a) if isinstance(a, str) else ctypes.c_ulong(a) if name == "prctl" else a for a in arguments]
    if getattr(_libc, name)(*plain) != 0:
        code = ctypes.get_errno()
        raise OSError(code, "%s%r: %s" % (name, arguments, os.strerror(code)))


def unshare(flags):
    _call("unshare", flags)


def setns(fd, kind):
    _call("setns", fd, kind)


def mount(source, target, kind, flags=0, options=None):
    _libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
    _call("mount", source, target, kind, flags, options)


def unmount(target):
    _call("umount2", target, MNT_DETACH)


def pivot_to(root):
    """Makes `root`, a mount point, the root of this mount namespace; nothing of the old one stays mounted."""
    os.chdir(root)
    _call("pivot_root", ".", ".")
    unmount(".")
    os.chdir("/")


def die_with_parent(signal_number):
    _call("prctl", PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def keep_off_this_machine():
    """Programs that this process starts, root's too, do not set the clock, load modules or restart: no namespace holds those."""
    for capability in (CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_SYS_TIME):
        _call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)


def loopback_up(*more_addresses):
    """`lo` with 127.0.0.1 and further /32 addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP_RUNNING, b""))
        for number, address in enumerate(more_addresses):
            name = b"lo:%d" % number
            for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.255")):
                packed = struct.pack("16sHH4s8s", name, socket.AF_INET, 0, socket.inet_aton(value), b"")
                ioctl(s, request, packed)
