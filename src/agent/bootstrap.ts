import type {AgentFile} from './agent-file.js'
import type {AgentVerb} from './protocol.js'

/** Exit statuses of the scripts below that are not the agent's own. */
export const EXIT_NO_AGENT = 97
export const EXIT_OLD_PYTHON = 96

/** Calls a verb of the agent that the instance has; ends with EXIT_NO_AGENT where it has none of this content. */
export function callScript(sha256: string, verb: AgentVerb): string {
  // `-I`: neither the user's PYTHON* variables nor modules in the working directory have a say in the agent.
  return `a="$HOME/.runctl/agent/${sha256}.pyz"; [ -f "$a" ] || exit ${EXIT_NO_AGENT}; exec python3 -I "$a" ${verb}`
}

/**
 * Takes the agent from the front of standard input, and calls a verb with what follows it. Python does the reading, because it
 * can take exactly so many bytes from a pipe and leave the rest, which `head -c` promises nowhere.
 */
export function installScript(agent: AgentFile, verb: AgentVerb | null): string {
  const program = [
    'import hashlib, os, sys',
    `sys.version_info >= (3, 8) or sys.exit(${EXIT_OLD_PYTHON})`,
    `size, digest = ${agent.bytes.length}, "${agent.sha256}"`,
    'data = b""',
    'while len(data) < size:',
    '    part = os.read(0, size - len(data))',
    '    if not part: sys.exit("the agent arrived incomplete")',
    '    data += part',
    'if hashlib.sha256(data).hexdigest() != digest: sys.exit("the agent arrived damaged")',
    'folder = os.path.join(os.environ["HOME"], ".runctl", "agent")',
    'os.makedirs(folder, mode=0o700, exist_ok=True)',
    'path = os.path.join(folder, digest + ".pyz")',
    'new = path + ".%d" % os.getpid()',
    'with open(new, "wb") as file: file.write(data); file.flush(); os.fsync(file.fileno())',
    'os.replace(new, path)',
    ...(verb === null ? [] : [`os.execv(sys.executable, [sys.executable, "-I", path, "${verb}"])`]),
  ]
  return pythonScript(program)
}

/** The program holds no single quote. */
const pythonScript = (lines: readonly string[]): string => `exec python3 -I -c '${lines.join('\n')}'`

/** Where a part of the agent begins in it, and how many bytes it has. */
export interface AgentPart {
  readonly offset: number
  readonly length: number
}

/** Lays one part of the agent down, from standard input. In any order, any number of times, by several at once. */
export function partScript(agent: AgentFile, part: AgentPart): string {
  return pythonScript([...takePart(agent, part), 'have() or keep()'])
}

/**
 * Takes the part that is still lacking from the front of standard input, puts all together, and calls a verb with what follows it.
 * Ends with EXIT_NO_AGENT where another part is not there.
 */
export function lastPartScript(agent: AgentFile, part: AgentPart, parts: readonly AgentPart[], verb: AgentVerb | null): string {
  return pythonScript([
    ...takePart(agent, part),
    'def join():',
    '    keep()',
    '    try:',
    `        data = b"".join(open(os.path.join(folder, str(at)), "rb").read() for at in [${parts.map(({offset}) => offset).join(', ')}])`,
    '    except FileNotFoundError:',
    `        have() or sys.exit(${EXIT_NO_AGENT})`,
    '    else:',
    '        if hashlib.sha256(data).hexdigest() != digest:',
    '            shutil.rmtree(folder, True); sys.exit("the agent arrived damaged")',
    '        new = path + ".%d" % os.getpid()',
    '        with open(new, "wb") as file: file.write(data); file.flush(); os.fsync(file.fileno())',
    '        os.replace(new, path)',
    '    shutil.rmtree(folder, True)',
    'have() or join()',
    ...(verb === null ? [] : [`os.execv(sys.executable, [sys.executable, "-I", path, "${verb}"])`]),
  ])
}

function takePart(agent: AgentFile, {length, offset}: AgentPart): string[] {
  return [
    'import hashlib, os, shutil, sys',
    `sys.version_info >= (3, 8) or sys.exit(${EXIT_OLD_PYTHON})`,
    `size, digest = ${length}, "${agent.sha256}"`,
    'part = b""',
    'while len(part) < size:',
    '    more = os.read(0, size - len(part))',
    '    if not more: sys.exit("the agent arrived incomplete")',
    '    part += more',
    'path = os.path.join(os.environ["HOME"], ".runctl", "agent", digest + ".pyz")',
    'folder = path + ".parts"',
    'have = lambda: os.path.exists(path)',
    'def keep():',
    '    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)',
    '    os.makedirs(folder, mode=0o700, exist_ok=True)',
    `    name = os.path.join(folder, "${offset}")`,
    '    new = name + ".%d" % os.getpid()',
    // Another one may have finished meanwhile, and taken the folder away.
    '    try:',
    '        with open(new, "wb") as file: file.write(part)',
    '        os.replace(new, name)',
    '    except FileNotFoundError:',
    '        if not have(): raise',
  ]
}
