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
  return `exec python3 -I -c '${program.join('\n')}'`
}
