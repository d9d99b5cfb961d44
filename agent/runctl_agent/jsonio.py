"""State files: whole or absent, whatever is killed when."""

import json
import os
import tempfile


def read_json(path):
    """The value in the file, or None if there is none that can be read."""
    try:
        with open(path, "rb") as file:
            return json.loads(file.read().decode("utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path, value, mode=0o600):
    """Replaces the file in one step. On any failure (a full disk, say) the old file stays and OSError is raised."""
    path = os.fspath(path)
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(value, separators=(",", ":")).encode("ascii"))
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise
