"""Where things are on the instance. Names from outside become path parts only through `checked_name`."""

import os
import re
from pathlib import Path

from .errors import AgentError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_RUN_ID = re.compile(r"run-\d{8}-\d{6}-[0-9a-f]{4,8}\Z")


def checked_name(name, what):
    if not isinstance(name, str) or not _NAME.match(name):
        raise AgentError("bad_input", "%s %r is not a plain name (letters, digits, '.', '_', '-', at most 63)" % (what, name))
    return name


def home():
    return Path(os.environ.get("HOME") or os.path.expanduser("~"))


def state_dir():
    path = home() / ".runctl"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def has_limits():
    """Whether the machine keeps limits (guard_limits.py), told without making or reading anything."""
    folder = home() / ".runctl"
    return any(os.path.exists(str(folder / name)) for name in ("limits.json", "limits.last.json"))


def made(name):
    """A folder of the agent's own."""
    path = state_dir() / name
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def project_dir(project):
    return home() / "projects" / checked_name(project, "project name")


def data_dir(name):
    return home() / "data" / checked_name(name, "data name")


def runs_dir():
    return made("runs")


def is_run_id(text):
    return isinstance(text, str) and bool(_RUN_ID.match(text))


def run_dir(run_id):
    if not is_run_id(run_id):
        raise AgentError("bad_input", "%r is not a run id" % (run_id,))
    return runs_dir() / run_id
