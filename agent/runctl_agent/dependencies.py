"""Which interpreter runs a script, and what must be installed before."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile

from . import locks, paths
from .errors import AgentError

_PEP_723 = re.compile(rb"^# /// script\s*$", re.M)
_INCLUDE = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*(\S+)")
_PROJECT_TABLE = re.compile(rb"^\s*\[\s*project\s*\]", re.M)


def _bytes_of(path, limit=1 << 20):
    try:
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError:
        return b""


def find_program(name, project_dir):
    """Absolute path of a program given by name or path (relative to the project folder), or None."""
    if "/" in name:
        path = os.path.join(project_dir, os.path.expanduser(name))
        return path if os.path.isfile(path) and os.access(path, os.X_OK) else None
    found = shutil.which(name)
    return os.path.abspath(found) if found else None


def _find_uv():
    local = str(paths.home() / ".local" / "bin" / "uv")
    return shutil.which("uv") or (local if os.access(local, os.X_OK) else None)


def choose(script, project_dir, python):
    """How the script will be run: {kind, argv, ...}. Raises bad_input or not_found; installs nothing."""
    full = os.path.join(os.fsencode(project_dir), script.encode("utf-8", "surrogateescape"))
    # As a name that no program takes for an option, and that is run from its folder alone.
    named = script if "/" in script and not script.startswith("-") else "./" + script
    if not script.endswith(".py"):
        if os.access(full, os.X_OK):
            return {"kind": "executable", "argv": [os.path.join(project_dir, script)]}
        if script.endswith(".sh"):
            return {"kind": "shell", "argv": [shutil.which("sh") or "/bin/sh", named]}
        raise AgentError("bad_input", "%s is neither a .py nor a .sh script and is not executable" % script)
    if python is not None:
        found = find_program(python, project_dir)
        if not found:
            raise AgentError("not_found", "there is no Python interpreter %s on the instance" % python)
        return {"kind": "python", "argv": [found, named]}
    uv = _find_uv()
    if uv and _PEP_723.search(_bytes_of(full)):
        return {"kind": "uv-script", "uv": uv, "argv": [uv, "run", "--script", named]}
    if uv and _PROJECT_TABLE.search(_bytes_of(os.path.join(project_dir, "pyproject.toml"))):
        return {"kind": "uv-project", "uv": uv, "argv": [uv, "run", "python", named]}
    found = find_program("python3", project_dir)
    if not found:
        raise AgentError("not_found", "there is no python3 on the instance")
    wanted = _requirements(os.path.join(project_dir, "requirements.txt"), set())
    names = any(line.strip() and not line.lstrip().startswith("#") for line in wanted.splitlines())
    return {"kind": "venv" if names else "python", "argv": [found, named]}


def _requirements(path, seen):
    """The text of a requirements file and of those that it includes."""
    if path in seen:
        return ""
    seen.add(path)
    text = _bytes_of(path).decode("utf-8", "replace")
    matches = filter(None, map(_INCLUDE.match, text.splitlines()))
    return "\n".join([text] + [_requirements(os.path.join(os.path.dirname(path), match.group(1)), seen) for match in matches])


def prepare(choice, project_dir, run, check):
    """Installs what the choice needs and returns (argv, environment to add).

    `run(argv)` runs a command with its output in the log and returns its exit status; it and `check()` raise where the
    run is to be stopped. Raises AgentError dependencies_failed with the command.
    """
    def must(argv):
        status = run(argv)
        if status != 0:
            shown = " ".join(argv)
            why = "%s ended with exit status %d" % (shown, status)
            raise AgentError("dependencies_failed", why, {"command": shown, "exit_code": status})

    argv = choice["argv"]
    if choice["kind"] == "uv-project":
        must([choice["uv"], "run", "python", "-c", ""])
    if choice["kind"] == "uv-script" and b"--script" in _output([choice["uv"], "sync", "--help"]):
        must([choice["uv"], "sync", "--script", argv[-1]])
    if choice["kind"] != "venv":
        return argv, {}
    folder = _make_venv(argv[0], project_dir, must, check)
    programs = os.path.join(folder, "bin")
    environment = {"VIRTUAL_ENV": folder, "PATH": programs + os.pathsep + os.environ.get("PATH", os.defpath)}
    return [os.path.join(programs, "python")] + argv[1:], environment


def _output(argv):
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return b""


def _make_venv(python, project_dir, must, check):
    version = _output([python, "-c", "import sys; print(sys.version, sys.prefix)"])
    requirements = os.path.join(project_dir, "requirements.txt")
    key = hashlib.sha256(version + b"\0" + _requirements(requirements, set()).encode()).hexdigest()[:16]
    final = str(paths.made("venvs") / key)
    lock = None
    while lock is None:
        # Two runs with the same requirements: the second waits, and can be stopped while it does.
        check()
        lock = locks.acquire(final + ".lock", wait_s=1)
    try:
        if not os.path.isdir(final):
            _build_venv(python, requirements, final, must)
    finally:
        os.close(lock)
    return final


def _build_venv(python, requirements, final, must):
    root, key = os.path.split(final)
    for name in os.listdir(root):
        if name.startswith(".new-" + key):
            shutil.rmtree(os.path.join(root, name), ignore_errors=True)
    temporary = tempfile.mkdtemp(prefix=".new-%s-" % key, dir=root)
    try:
        # What the machine's image brings along (a torch built for its GPU) is used rather than installed again.
        must([python, "-m", "venv", "--system-site-packages", temporary])
        install = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", "-r", requirements]
        must([os.path.join(temporary, "bin", "python")] + install)
        _move_paths(os.path.join(temporary, "bin"), os.fsencode(temporary), os.fsencode(final))
        os.rename(temporary, final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _move_paths(folder, old, new):
    """The scripts of an environment name its folder in their first lines."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        text = b"" if os.path.islink(path) else _bytes_of(path)
        if old in text and b"\0" not in text and len(text) < 1 << 20:
            with open(path, "r+b") as file:
                file.write(text.replace(old, new))
                file.truncate()
