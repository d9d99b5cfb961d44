"""Which files of a run's output folder are to be uploaded."""

import os
import stat
import time

from . import run_state
from .digests import files_below, stamp_of
from .files import is_inside


def changed(run, known, earlier, settle_s):
    """Full paths of those that this run wrote and that are not there yet; checkpoints go their own way.

    `known`: the entries of what was uploaded; `earlier`: stamps of what was there before the run; `settle_s`: so long a file must have held still.
    """
    root, checkpoint_dir, found, now = run["output_dir"], run["checkpoint_dir"], [], time.time()
    own = {os.path.realpath(os.path.join(run["project_dir"], one["path"])) for one in run_state.recorded_checkpoints(run)}
    real_root = os.path.realpath(root)
    if not is_inside(real_root, os.path.realpath(checkpoint_dir)):
        own.add(os.path.realpath(checkpoint_dir))
    for path in files_below(root):
        full = os.path.join(root, path)
        try:
            real, info = os.path.realpath(full), os.stat(full)
        except OSError:
            continue
        way = real.split("/")
        foreign = not is_inside(real, real_root) or any("/".join(way[:length]) in own for length in range(2, len(way) + 1))
        settled = not settle_s or now - info.st_mtime >= settle_s and not path.endswith((".tmp", ".part", ".partial"))
        entry = known.get("outputs/" + path)
        if (not foreign and settled and stat.S_ISREG(info.st_mode)
                and earlier.get(path) != stamp_of(info) and not (entry and entry["stamp"] == stamp_of(info))):
            found.append(full)
    return found
