"""Formats of plugins: Python modules that come with a request, are kept by their hash, and judge in a process of their own."""

import hashlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys

from . import paths
from .errors import AgentError
from .finding import ITEM_BYTES, MAX_METRICS, Finding, Tensor, count, is_shape, metrics_of

MAX_SOURCE_BYTES = 64 << 10
MAX_PLUGINS = 50
MAX_TENSORS = 1000000
TIME_LIMIT_S = 60
STATES = ("complete", "partial", "corrupt", "unverified")


def kept(modules):
    """[{name, extensions, module}] of the modules of a request, whose sources are files from now on."""
    plugins = []
    for given in (modules or [])[:MAX_PLUGINS]:
        source = given["source"].encode("utf-8")
        extensions = [text for text in given["extensions"] if isinstance(text, str) and re.match(r"\.[a-z0-9][a-z0-9._-]{0,30}\Z", text)]
        if len(source) > MAX_SOURCE_BYTES or not re.match(r"[a-z][a-z0-9-]{0,62}\Z", given["name"]):
            raise AgentError("bad_input", "the checkpoint format %r has no plain name, or more than %d bytes" % (given["name"], MAX_SOURCE_BYTES))
        path = paths.made("formats") / (hashlib.sha256(source).hexdigest() + ".py")
        if not path.exists():
            new = path.with_suffix(".%d" % os.getpid())
            new.write_bytes(source)
            os.replace(str(new), str(path))
        plugins.append({"name": given["name"], "extensions": extensions, "module": str(path)})
    return plugins


def of(extension, plugins):
    """The first that has this extension, or None."""
    return next((plugin for plugin in plugins or () if extension in plugin["extensions"]), None)


def judged_by(name, plugins):
    """What tells one judge from another: the module's hash; of a folder that of all, for any may have a file in it. None without plugins."""
    of_it = of(os.path.splitext(name)[1].lower(), plugins)
    return ",".join(os.path.basename(plugin["module"])[:16] for plugin in ([of_it] if of_it else plugins or ())) or None


def ask(plugin, source, full):
    """The Finding. Whatever the module does, it is an answer: at worst `unverified`."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    request = dict(source.place, name=source.name, module=plugin["module"], full=bool(full))
    child = subprocess.Popen(
        [sys.executable, "-I", root, "_format"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        output, _ = child.communicate(json.dumps(request).encode(), timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        return _failed(plugin, "took more than %d s" % TIME_LIMIT_S)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    try:
        answer = json.loads(output.decode("utf-8"))
        source.count(answer["bytes_read"])
        if "error" in answer:
            return _failed(plugin, "failed: %s" % answer["error"])
        return _checked(plugin, answer["answer"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return _failed(plugin, "gave no answer that makes sense")


def _failed(plugin, why):
    return Finding("unverified", "the format %s %s" % (plugin["name"], why), plugin["name"])


def _checked(plugin, answer):
    if answer["state"] not in STATES:
        raise ValueError("no state")
    detail = answer.get("detail")
    if answer["state"] != "complete" and not isinstance(detail, str):
        detail = "by the format %s" % plugin["name"]
    metrics = answer.get("metrics") or {}
    optimizer, tensors = answer.get("has_optimizer"), answer.get("tensors")
    finding = Finding(answer["state"], None if answer["state"] == "complete" else detail[:500], plugin["name"])
    finding.facts = {"step": answer.get("step"), "epoch": answer.get("epoch")}
    finding.metrics = metrics_of({"metrics": dict(list(metrics.items())[:MAX_METRICS])})
    finding.has_optimizer = optimizer if isinstance(optimizer, bool) else None
    if tensors is not None:
        finding.tensors = [_tensor(told) for told in tensors[:MAX_TENSORS]]
    return finding


def _tensor(told):
    name, dtype, shape, digest = told["name"], told["dtype"], told["shape"], told.get("digest")
    if not isinstance(name, str) or not isinstance(dtype, str) or not is_shape(shape) or not isinstance(digest, (str, type(None))):
        raise TypeError("no tensor")
    size = told.get("size_bytes", count(shape) * ITEM_BYTES.get(dtype, 0))
    return Tensor(name[:1000], dtype[:40], tuple(shape), int(size), digest and digest[:200], None, "optim" in name.lower())


def run_module():
    """The other process: reads a request, prints what the module answers. Its own output goes nowhere."""
    from . import sources
    request = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source, told = None, {}
    try:
        name = request["name"]
        source = sources.HttpSource(request["url"], request["size"], name) if "url" in request else sources.FileSource(request["path"])
        spec = importlib.util.spec_from_file_location("runctl_format", request["module"])
        module = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode = True
        spec.loader.exec_module(module)
        told["answer"] = module.inspect(source, request["full"])
        json.dumps(told, allow_nan=True)
    except BaseException as error:
        told = {"error": ("%s: %s" % (type(error).__name__, error))[:400]}
    told["bytes_read"] = source.bytes_read if source else 0
    out.write(json.dumps(told).encode("utf-8"))
    out.flush()
    os._exit(0)
