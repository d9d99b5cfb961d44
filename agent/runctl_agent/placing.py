"""Changes on the disk that sync makes: each file by one rename, so that it is the old or the new one and never half of it."""

import hashlib
import os
import stat
from collections import Counter


def place(root, write, staging):
    """Puts files and links in place, {path: record}; gives the records with their time on disk."""
    uses, placed = Counter(record[3] for record in write.values()), {}
    for path, (kind, mode, size, content) in sorted((path, record[:4]) for path, record in write.items()):
        full = os.path.join(root, path)
        temporary = temporary_of(full)
        remove([temporary])
        uses[content] -= 1
        try:
            if kind == "symlink":
                os.symlink(content, temporary)
            elif size:
                staging.take(content, temporary, last=not uses[content])
            else:
                open(temporary, "wb").close()
            if kind == "file":
                os.chmod(temporary, mode)
                _make_newer(temporary, full)
            if is_folder(full):
                _remove_folders(full)
            os.replace(temporary, full)
        except OSError:
            remove([temporary])
            raise
        placed[path] = [kind, mode, size, content, os.lstat(full).st_mtime_ns]
    return placed


def set_mode(full, mode):
    """1 if it had another."""
    if stat.S_IMODE(os.lstat(full).st_mode) == mode:
        return 0
    os.chmod(full, mode)
    return 1


def is_folder(full):
    return os.path.isdir(full) and not os.path.islink(full)


def temporary_of(full):
    folder, name = os.path.split(full)
    return os.path.join(folder, ".runctl-" + hashlib.sha256(os.fsencode(name)).hexdigest()[:16])


def remove(files):
    """How many there were."""
    count = 0
    for full in files:
        try:
            os.unlink(full)
            count += 1
        except (FileNotFoundError, NotADirectoryError):
            pass
    return count


def _remove_folders(full):
    for at, _, _ in os.walk(full, topdown=False):
        os.rmdir(at)


def _make_newer(new, old):
    """Python takes a compiled file for current by size and whole seconds: a second edit in one second must be seen."""
    try:
        before, after = os.lstat(old), os.lstat(new)
    except FileNotFoundError:
        return
    if before.st_size == after.st_size and int(before.st_mtime) >= int(after.st_mtime):
        os.utime(new, (after.st_atime, int(before.st_mtime) + 1))
