"""The verb `status`."""

import time

from . import bounds, paths, process_table, run_state
from .clock import iso

POLL_S = 0.1


def status(request):
    if request.get("all"):
        table = process_table.scan()
        ids = run_state.all_ids()
        after = request.get("after")
        # Newest first: what follows is older. A run that is gone has nothing after it that could be told.
        ids = ids[ids.index(after) + 1 if after in ids else 0 if after is None else len(ids):]
        # Made one by one: what does not fit is not looked up.
        statuses = (run_state.status_of(run_id, table) for run_id in ids[: request.get("limit") or None])
        runs, more = bounds.fitting(statuses, bounds.room(request), least=1)
    else:
        more = False
        run_id = request.get("run_id") or run_state.newest(request.get("project"))
        runs = [wait_for(run_id, request.get("wait_s") or 0, request.get("wait_for") or ())] if run_id else []
    return {"runs": runs, "more": more, "guard": _limits(), "boot_id": run_state.boot_id(), "now": iso(time.time())}


def _limits():
    if not paths.has_limits():
        return None
    from . import guard
    return guard.of_instance()


def wait_for(run_id, wait_s, states):
    """The status of a run when it is in one of these states, or after so many seconds."""
    deadline = time.monotonic() + wait_s
    while states and time.monotonic() < deadline:
        run = run_state.load(run_id)
        if run_state.look(run)["state"] in states:
            break
        run_state.ensure_supervisor(run_id)
        time.sleep(POLL_S)
    return run_state.status_of(run_id)
