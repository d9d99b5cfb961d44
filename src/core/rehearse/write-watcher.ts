/**
 * Runs on the instance, in Python: waits until something below the checkpoint folder is written by the script, and ends the script's process group in the
 * middle of that. Arguments: the group, the folder, how many seconds to wait. Answers one line of JSON: `killed`, `file`, `middle` (true where the
 * file was open for writing at that moment, null where the system does not tell), `overwrote` (it was there before, with more in it, and is written in its place).
 */
export const WRITE_WATCHER = `import json, os, signal, sys, time
group, folder, limit = int(sys.argv[1]), os.path.realpath(sys.argv[2]), time.monotonic() + float(sys.argv[3])
MISSES = 5

def look():
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            try:
                info = os.lstat(path)
            except OSError:
                continue
            found[path] = (info.st_size, info.st_mtime_ns, info.st_ino)
    return found

def members():
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.getpgid(int(name)) == group:
                yield name
        except OSError:
            pass

def written_now():
    """What a process of the group has open for writing there; [] where nothing, None where nobody can say."""
    if not os.path.isdir("/proc/self/fd"):
        return None
    found = []
    for pid in members():
        try:
            for number in os.listdir("/proc/%s/fd" % pid):
                path = os.readlink("/proc/%s/fd/%s" % (pid, number))
                if path.startswith(folder + "/"):
                    with open("/proc/%s/fdinfo/%s" % (pid, number)) as file:
                        flags = [line.split()[1] for line in file if line.startswith("flags:")]
                    if flags and int(flags[0], 8) & 3:
                        found.append(path)
        except OSError:
            pass
    return found

def send(number):
    try:
        os.killpg(group, number)
        return True
    except ProcessLookupError:
        return False

def answer(**facts):
    print(json.dumps(dict({"killed": False, "file": None, "middle": None, "overwrote": False}, **facts)))
    sys.exit()

before, misses = look(), 0
# {path: (size, inode)} as last seen with something in it.
whole = {path: (info[0], info[2]) for path, info in before.items() if info[0]}
while time.monotonic() < limit:
    now = look()
    changed = [path for path in now if now[path] != before.get(path)]
    if changed:
        # Stood still, so that it can be seen whether this is the middle.
        if not send(signal.SIGSTOP):
            answer()
        writing = written_now()
        misses += 1
        if writing is None or writing or misses == MISSES:
            path = (writing or changed)[0]
            old, new = whole.get(path), now.get(path)
            killed = send(signal.SIGKILL)
            answer(killed=killed, file=path, middle=None if writing is None else bool(writing),
                   overwrote=bool(old and new and new[2] == old[1] and new[0] < old[0]))
        send(signal.SIGCONT)
        before = now
        whole.update({path: (info[0], info[2]) for path, info in now.items() if info[0]})
    elif not send(0):
        answer()
    time.sleep(0.0005)
answer()
`

/** What {@link WRITE_WATCHER} answers. */
export interface WriteWatched {
  readonly killed: boolean
  /** Absolute. */
  readonly file: string | null
  readonly middle: boolean | null
  readonly overwrote: boolean
}
