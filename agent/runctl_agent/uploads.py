"""What is known of a run's files in S3, from `uploads.json`. The uploading itself is done by a process of its own, uploader.py."""

import os
import time

from . import paths
from .jsonio import read_json

# Also where the grace is used up: a last small checkpoint takes no longer.
LEAST_WAIT_S = 2.0
# What is refused now is hardly granted a little later.
FAILING_WAIT_S = 5.0


def prefix_of(run):
    """`s3://bucket/prefix/PROJECT/RUN-ID/`, or None."""
    output = run.get("output")
    return "%s/%s/%s/" % (output["uri"].rstrip("/"), run["project"], run["run_id"]) if output else None


def read(run_id):
    return read_json(paths.run_dir(run_id) / "uploads.json") or {}


def is_finished(run_id):
    """All is there, and run.json as the last."""
    return bool(read(run_id).get("finished"))


def state_of(run, ended):
    """The UploadState of the protocol, or None."""
    if not run.get("output"):
        return None
    known = read(run["run_id"])
    # At the very least run.json is still to come.
    least = 1 if ended and not known.get("finished") else 0
    return {
        "done": len(known.get("files", ())) + known.get("segments", 0), "pending": max(least, known.get("pending", 0)),
        "pending_bytes": known.get("pending_bytes", 0), "error": known.get("error"),
        "bytes_per_s": known.get("bytes_per_s"), "behind_since": known.get("behind_since"),
    }


def name_of(run, checkpoint):
    """The checkpoint's path below the run's prefix."""
    return "checkpoints/" + os.path.relpath(os.path.join(run["project_dir"], checkpoint["path"]), run["checkpoint_dir"])


def holds(run, checkpoint):
    """Whether just this state of the checkpoint is there and verified."""
    entry = read(run["run_id"]).get("stored", {}).get(name_of(run, checkpoint))
    return bool(entry and entry["sha256"] == checkpoint["sha256"])


def lacking(run, checkpoint, whole):
    """What a save (or, `whole`, the end of the run) would have in S3 and is not there: {why, failing}; None where nothing lacks."""
    if not run.get("output"):
        return None
    known = read(run["run_id"])
    there, parts = prefix_of(run), []
    files = max(1, known.get("pending", 0)) if whole and not known.get("finished") else 0
    if checkpoint and not holds(run, checkpoint):
        parts.append("%s is not in %s yet%s" % (checkpoint["path"], there, " (%d files in all)" % files if files > 1 else ""))
    elif files:
        parts.append("%d %s not in %s yet" % (files, "file is" if files == 1 else "files are", there))
    if parts and known.get("error"):
        parts.append(known["error"])
    return {"why": "; ".join(parts), "failing": bool(known.get("error"))} if parts else None


def is_worth_waiting(found, grace_left_s, since):
    """`found`: what lacks. `since`: when waiting for it began (monotonic)."""
    waited_s = time.monotonic() - since
    in_time = grace_left_s > 0 or waited_s < LEAST_WAIT_S
    return found is not None and in_time and not (found["failing"] and waited_s > FAILING_WAIT_S)


def _marks():
    return paths.state_dir() / "uploading"


def mark(run_id):
    """Remembers that this run has something to upload, until `unmark`."""
    with open(str(paths.made("uploading") / run_id), "wb"):
        pass


def unmark(run_id):
    try:
        (_marks() / run_id).unlink()
    except FileNotFoundError:
        pass


def marked():
    """The ids of runs that have something to upload."""
    try:
        return [name for name in os.listdir(str(_marks())) if paths.is_run_id(name)]
    except OSError:
        return []


def go_on():
    """Starts uploaders for what was left behind: the machine was off, or S3 out of reach for long."""
    names = marked()
    if not names:
        return
    from . import run_state
    for name in names:
        try:
            if (paths.run_dir(name) / "run.json").exists():
                run_state.ensure_uploader(name)
            else:
                unmark(name)
        except Exception:  # the verb that came by has been answered; it is tried again with the next one
            continue
