"""An instance's file system: an overlay on this machine's own, and what an operating system mounts over its disk."""
import errno
import os
import shutil
import stat

import linux

ROOT_DIRECTORIES = ("proc", "sys", "dev", "tmp", "run")
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
UID = 1000


def prepare(folder, size_mib, on_tmpfs):
    """The disk of an instance: made once, in the mount namespace that outlives its boots."""
    disk = os.path.join(folder, "disk")
    if os.path.isdir(disk):
        return
    os.makedirs(disk)
    os.makedirs(os.path.join(folder, "root"))
    if size_mib is not None or on_tmpfs:
        linux.mount("disk", disk, "tmpfs", 0, "mode=755" + ("" if size_mib is None else ",size=%dm" % size_mib))
    os.mkdir(os.path.join(disk, "upper"), 0o755)


def remove(folder):
    try:
        linux.unmount(os.path.join(folder, "disk"))
    except OSError:
        pass
    shutil.rmtree(folder, ignore_errors=True)


def mount_root(folder):
    """Mounts the overlay at folder/root. Run in the instance's own mount namespace, with the old root still in place."""
    disk, root = os.path.join(folder, "disk"), os.path.join(folder, "root")
    work = os.path.join(disk, "work")
    shutil.rmtree(work, ignore_errors=True)
    os.mkdir(work)
    options = "lowerdir=/,upperdir=%s/upper,workdir=%s" % (disk, work)
    for extra in (",volatile,redirect_dir=on,index=off,xino=off", ",redirect_dir=on", ""):
        try:
            linux.mount("overlay", root, "overlay", 0, options + extra)
            break
        except OSError as error:
            if error.errno != errno.EINVAL or not extra:
                raise
    return root


def hide(folder, paths):
    """Makes folders of this machine look empty on the instance: an opaque folder on the upper layer. Before the overlay is mounted."""
    upper = os.path.join(folder, "disk", "upper")
    for path in paths:
        target = os.path.join(upper, path.strip("/"))
        if os.path.exists(target):
            continue
        os.makedirs(target)
        os.setxattr(target, "trusted.overlay.opaque", b"y")


def mount_system(root, boot_id):
    """/proc, /sys, /dev, /tmp and /run, fresh at every boot."""
    for name in ROOT_DIRECTORIES:
        os.makedirs(os.path.join(root, name), exist_ok=True)
    linux.mount("proc", root + "/proc", "proc", linux.NOSUID | linux.NODEV | linux.NOEXEC)
    linux.mount("sysfs", root + "/sys", "sysfs", linux.NOSUID | linux.NODEV | linux.NOEXEC | linux.RDONLY)
    linux.mount("tmpfs", root + "/tmp", "tmpfs", linux.NOSUID | linux.NODEV, "mode=1777")
    linux.mount("tmpfs", root + "/run", "tmpfs", linux.NOSUID | linux.NODEV, "mode=755")
    os.mkdir(root + "/run/lock", 0o1777)
    _devices(root + "/dev")
    sysctls = root + "/proc/sys"
    linux.mount(sysctls, sysctls, None, linux.BIND)
    linux.mount("none", sysctls, None, linux.BIND | linux.REMOUNT | linux.RDONLY | linux.NOSUID | linux.NODEV | linux.NOEXEC)
    with open(root + "/run/boot-id", "w") as f:
        f.write(boot_id + "\n")
    linux.mount(root + "/run/boot-id", sysctls + "/kernel/random/boot_id", None, linux.BIND)


def _devices(dev):
    linux.mount("tmpfs", dev, "tmpfs", linux.NOSUID, "mode=755")
    for name, (major, minor) in DEVICES.items():
        os.mknod(os.path.join(dev, name), 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        os.chmod(os.path.join(dev, name), 0o666)
    os.mkdir(dev + "/shm")
    linux.mount("tmpfs", dev + "/shm", "tmpfs", linux.NOSUID | linux.NODEV, "mode=1777")
    os.mkdir(dev + "/pts")
    linux.mount("devpts", dev + "/pts", "devpts", linux.NOSUID | linux.NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    os.symlink("pts/ptmx", dev + "/ptmx")
    os.symlink("/proc/self/fd", dev + "/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink("/proc/self/fd/%d" % number, os.path.join(dev, name))


def first_boot(root, user, host_name):
    """The normal user and the names, as cloud-init makes them. Returns whether this was the first boot."""
    home = os.path.join(root, "home", user)
    if os.path.isdir(home):
        return False
    _replace(root + "/etc/passwd", user, "%s:x:%d:%d:EC2 Default User:/home/%s:/bin/bash" % (user, UID, UID, user), 2)
    _replace(root + "/etc/group", user, "%s:x:%d:" % (user, UID), 2)
    _replace(root + "/etc/shadow", user, "%s:!!:19000:0:99999:7:::" % user, None)
    for name, text in (("hostname", host_name), ("hosts", "127.0.0.1 localhost %s\n::1 localhost" % host_name), ("resolv.conf", "")):
        path = os.path.join(root, "etc", name)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w") as f:
            f.write(text + "\n")
    # An image with cloud-init, and nothing of this machine's own.
    os.makedirs(os.path.join(root, "etc/cloud"), exist_ok=True)
    shutil.rmtree(os.path.join(root, "var/lib/cloud"), ignore_errors=True)
    os.makedirs(home)
    os.chmod(home, 0o700)
    os.chown(home, UID, UID)
    return True


def _replace(path, name, line, id_field):
    """Adds an entry of a user data base in place of those with the same name or number."""
    try:
        with open(path) as f:
            lines = f.read().splitlines()
            mode = stat.S_IMODE(os.fstat(f.fileno()).st_mode)
    except FileNotFoundError:
        return
    fields = [entry.split(":") for entry in lines]
    kept = [":".join(f) for f in fields if f[0] != name and (id_field is None or len(f) <= id_field or f[id_field] != str(UID))]
    with open(path, "w") as f:
        f.write("\n".join([*kept, line, ""]))
    os.chmod(path, mode)
