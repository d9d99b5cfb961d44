"""As much of cloud-init as scripts at boot need: those of every boot first, then, at the first boot, the user data. Nobody waits for it."""
import os
import subprocess

PER_BOOT = "/var/lib/cloud/scripts/per-boot"
USER_DATA = "/var/lib/cloud/instance/scripts/part-001"
DONE = "/var/lib/cloud/instance/boot-finished"
LOG = "/var/log/cloud-init-output.log"


def scripts(user_data):
    """What is to run at this boot, in order."""
    found = [os.path.join(PER_BOOT, name) for name in sorted(os.listdir(PER_BOOT))] if os.path.isdir(PER_BOOT) else []
    ours = [path for path in found if os.path.isfile(path) and os.access(path, os.X_OK)]
    if not os.path.exists(DONE):
        os.makedirs(os.path.dirname(USER_DATA), exist_ok=True)
        open(DONE, "w").close()
        if user_data is not None and user_data.startswith("#!"):
            with open(os.open(USER_DATA, os.O_WRONLY | os.O_CREAT, 0o700), "w") as f:
                f.write(user_data)
            ours.append(USER_DATA)
    return ours


def run_at_boot(init, user_data):
    run_next(init, scripts(user_data))


def run_next(init, paths):
    if not paths:
        return
    with open(LOG, "ab") as log:
        process = subprocess.Popen([paths[0]], cwd="/", env=init.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    init.when_ended(process, lambda _: run_next(init, paths[1:]))
