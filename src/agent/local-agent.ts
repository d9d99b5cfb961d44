import {execFile, type ExecFileException} from 'node:child_process'

import {RunctlError} from '../model/errors.js'
import {agentFilePath} from './agent-file.js'
import type {FormatModule} from './checkpoint-protocol.js'
import {readAnswer} from './read-answer.js'
import type {AgentVerb, AgentVerbs} from './protocol.js'
import {withFormats} from './with-formats.js'

/** Calls a verb of the agent on this machine, where no instance is concerned: judging the files of a folder. Needs python3 here. */
export async function callLocalAgent<V extends AgentVerb>(
  verb: V,
  request: AgentVerbs[V][0],
  signal: AbortSignal,
  formats: () => Promise<readonly FormatModule[]> = () => Promise.resolve([]),
): Promise<AgentVerbs[V][1]> {
  const line = JSON.stringify(await withFormats(verb, request, formats)) + '\n'
  const stdout = await new Promise<string>((resolve, reject) => {
    const child = execFile('python3', ['-I', agentFilePath(), verb], {maxBuffer: 1 << 28, signal}, (error: ExecFileException | null, output) => {
      if (error?.code === 'ENOENT') {
        reject(new RunctlError('platform_failed', 'looking into checkpoints on this machine needs python3, which is not on the PATH here', {cause: error}))
      } else if (error) reject(new Error(`the agent could not judge the files here: ${error.message}`, {cause: error}))
      else resolve(output)
    })
    // A child that is gone already says so through the callback above.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(line)
  })
  return readAnswer(stdout)
}
