"""The verbs `save` and `stop`: lay a request down for each run's supervisor and wait for the reports."""

import hashlib
import time

from . import copies, locks, paths, process_table, run_state, uploads
from .clock import iso
from .errors import AgentError
from .jsonio import read_json, write_json
from .run_state import write_hard

POLL_S = 0.1
KEPT_REQUESTS = 20
KEPT_RECORDS = 50
MOST_ONLY_HERE = 20
# A file's time may lie this much before the moment at which it was written.
COARSE_TIME_S = 0.05


def save(request):
    return _request(request, "save")


def stop(request):
    return _request(request, "stop")


def _request(request, kind):
    begin = time.monotonic()
    deadline = begin + request["wait_s"]
    # The same id may serve to save first and to stop then.
    request = dict(request, request_id="%s %s" % (kind, request["request_id"]))
    record = _record(request, kind)
    while True:
        reports = {run_id: _report(run_id, request, record, begin) for run_id in record["runs"]}
        done = all(reports.values())
        if done or time.monotonic() >= deadline:
            break
        for run_id, report in reports.items():
            if run_id in record["reports"]:
                run_state.ensure_uploader(run_id)
            elif report is None:
                run_state.ensure_supervisor(run_id)
        time.sleep(min(POLL_S, max(0.01, deadline - time.monotonic())))
    known = [report for report in reports.values() if report]
    answer = {
        "done": done, "ok": done and all(report["ok"] for report in known), "reports": known,
        "only_here": _only_here() if done else [],
    }
    if done and not any(report["checkpoint"] for report in known):
        answer["last"] = _last()
    return answer


def _last():
    """Whoever stops a machine on which nothing runs wants to write down what ran there before."""
    from . import checkpoints
    for run_id in run_state.all_ids():
        run = run_state.load(run_id)
        return {"run_id": run_id, "project": run["project"], "checkpoint": checkpoints.checkpoints({})["latest_good"]}
    return None


def _report(run_id, request, record, begin):
    """None as long as there is none."""
    report = record["reports"].get(run_id)
    if report is None:
        return run_state.reports_of(run_id).get(request["request_id"])
    # It had ended before; what it left may still be on its way.
    run = run_state.load(run_id)
    lacking = uploads.lacking(run, report["checkpoint"], whole=True)
    passed_s = time.monotonic() - record["request"]["monotonic"]
    if uploads.is_worth_waiting(lacking, request["grace_s"] - passed_s if passed_s >= 0 else 0.0, begin):
        return None
    return dict(report, why=lacking and lacking["why"], checkpoint=report["checkpoint"] and copies.added(report["checkpoint"]))


def _record(request, kind):
    """Which runs this request is about, decided once: delivered again, it must not touch a run that came later."""
    folder = paths.made("stop-requests")
    name = hashlib.sha256(request["request_id"].encode("utf-8", "surrogatepass")).hexdigest()[:32]
    with locks.exclusive(str(folder / ".lock")):
        path = folder / (name + ".json")
        record = read_json(path)
        if record is None:
            record = _decide(request, kind)
            try:
                write_json(path, record)
                _forget_old(folder)
            except OSError:
                pass  # a full disk must not stand in the way of a stop
        for run_id in record["runs"]:
            if run_id not in record["reports"]:
                lay_down(run_id, dict(record["request"], was_over=run_id in record["over"]))
    return record


def _decide(request, kind):
    table = process_table.scan()
    runs, over, reports = [], [], {}
    wanted = [request["run_id"]] if request["run_id"] else run_state.all_ids()
    for run_id in wanted:
        try:
            run = run_state.load(run_id)
        except AgentError:
            if request["run_id"]:
                raise
            continue
        ended = run_state.look(run)["state"] == "stopped"
        idle = ended and (kind == "save" or not run_state.processes_of(run, table))
        pending = kind == "stop" and run.get("output") and not uploads.is_finished(run_id)
        if idle and not request["run_id"] and not pending:
            continue
        runs.append(run_id)
        if ended:
            over.append(run_id)
        if idle:
            last = run_state.status_of(run_id, table)["last_checkpoint"]
            reports[run_id] = {
                "run_id": run_id, "asked": None, "ok": True, "why": None, "checkpoint": last, "saved_on_request": False,
                "ended": "before", "killed": 0, "took_s": 0.0,
            }
    kept = {
        "request_id": request["request_id"], "kind": kind, "grace_s": request["grace_s"], "force": bool(request.get("force")),
        "reason": request.get("reason") or "user", "monotonic": time.monotonic(), "not_before": iso(time.time() - COARSE_TIME_S),
    }
    return {"runs": runs, "over": over, "reports": reports, "request": kept}


def lay_down(run_id, request):
    """For the run's supervisor. False where just this was asked before."""
    folder = paths.run_dir(run_id)
    with locks.exclusive(str(folder / "requests.lock")):
        requests = run_state.requests_of(run_id)
        is_new = all(known["request_id"] != request["request_id"] for known in requests)
        if is_new:
            write_hard(folder / "stop-request.json", (requests + [request])[-KEPT_REQUESTS:])
    return is_new


def take_back(run_id, request_id):
    """What the supervisor has not acted on to the end; the run goes on then."""
    folder = paths.run_dir(run_id)
    with locks.exclusive(str(folder / "requests.lock")):
        requests = run_state.requests_of(run_id)
        left = [request for request in requests if request["request_id"] != request_id]
        if len(left) < len(requests):
            write_hard(folder / "stop-request.json", left)


def _forget_old(folder):
    records = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in records[:-KEPT_RECORDS]:
        path.unlink()


def _only_here():
    """Complete checkpoints that a loss of this disk would lose, the newest last."""
    from . import checkpoints, copies
    folders = {}
    for run_id in run_state.all_ids():
        run = run_state.load(run_id)
        folders.setdefault(run["checkpoint_dir"], []).append(run)
    listed = []
    for folder, runs in folders.items():
        ended = all(run_state.look(run)["state"] == "stopped" for run in runs)
        recorded = {(one["path"], one["sha256"]): one for run in runs[::-1] for one in run_state.recorded_checkpoints(run)}
        for one in checkpoints.list_checkpoints(folder, runs[0]["project_dir"], runs[0]["checkpoint_patterns"], ended=ended):
            listed.append(recorded.get((one["path"], one["sha256"]), one))
    listed.sort(key=lambda one: one["modified_at"])
    return copies.only_here(listed)[-MOST_ONLY_HERE:]
