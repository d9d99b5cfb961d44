/** Trainings with the faults that a rehearsal is for. All log a step and save now and then. */
const BEGIN = `import json, os, time
folder = os.environ["RUNCTL_CHECKPOINT_DIR"]

def save(step):
    path = os.path.join(folder, "step_%d.json" % step)
    with open(path + ".tmp", "w") as file:
        json.dump({"step": step}, file)
    os.rename(path + ".tmp", path)
`

/** Is given RUNCTL_RESUME_FROM, and makes nothing of it. */
export const RESTARTS = `${BEGIN}
for step in range(1, 31):
    time.sleep(0.1)
    print("step", step)
    if step % 5 == 0:
        save(step)
`


/** Goes on a step too far. */
export const SKIPS = `${BEGIN}
at = os.environ.get("RUNCTL_RESUME_FROM")
step = json.load(open(at))["step"] + 1 if at else 0
while step < 30:
    step += 1
    time.sleep(0.1)
    print("step", step)
    if step % 5 == 0:
        save(step)
`

/** Its one checkpoint is written over in its place, and takes its time. */
export const OVERWRITES = `import json, os, time
path = os.path.join(os.environ["RUNCTL_CHECKPOINT_DIR"], "last.json")
at = os.environ.get("RUNCTL_RESUME_FROM")
step = json.load(open(at))["step"] if at else 0
while step < 40:
    step += 1
    time.sleep(0.04)
    print("step", step)
    with open(path, "w") as file:
        file.write('{"step": %d, "weights": [' % step)
        file.flush()
        time.sleep(0.02)
        file.write("1, 2, 3]}")
`

/** Every checkpoint has its own name, and is half there for a while. */
export const HALF_WRITTEN = `import json, os, time
at = os.environ.get("RUNCTL_RESUME_FROM")
step = json.load(open(at))["step"] if at else 0
while step < 30:
    step += 1
    time.sleep(0.05)
    print("step", step)
    if step % 4 == 0 or step == 30:
        with open(os.path.join(os.environ["RUNCTL_CHECKPOINT_DIR"], "step_%d.json" % step), "w") as file:
            file.write('{"step": %d, "weights": [' % step)
            file.flush()
            time.sleep(0.1)
            file.write("1, 2, 3]}")
`

/** Cannot read its own checkpoints. */
export const BREAKS_ON_RESUME = `${BEGIN}
if "RUNCTL_RESUME_FROM" in os.environ:
    raise SystemExit(7)
for step in range(1, 31):
    time.sleep(0.1)
    print("step", step)
    if step % 5 == 0:
        save(step)
`

export const NEVER_SAVES = `import time
for step in range(1, 11):
    time.sleep(0.02)
    print("step", step)
`
