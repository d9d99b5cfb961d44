import {execFile} from 'node:child_process'

import {RunctlError} from '../model/errors.js'
import {agentFilePath} from './agent-file.js'
import {readAnswer} from './read-answer.js'
import type {AgentVerb, AgentVerbs} from './protocol.js'

/** Calls a verb of the agent on this machine, where no instance is concerned: judging the files of a folder. Needs python3 here. */
export async function callLocalAgent<V extends AgentVerb>(verb: V, request: AgentVerbs[V][0], signal: AbortSignal): Promise<AgentVerbs[V][1]> {
  const stdout = await new Promise<string>((resolve, reject) => {
    const child = execFile('python3', ['-I', agentFilePath(), verb], {maxBuffer: 1 << 28, signal}, (error, output) => {
      if (error && 'code' in error && error.code === 'ENOENT') {
        reject(new RunctlError('platform_failed', 'looking into checkpoints on this machine needs python3, which is not on the PATH here', {cause: error}))
      } else if (error) reject(error)
      else resolve(output)
    })
    child.stdin?.end(JSON.stringify(request) + '\n')
  })
  return readAnswer(stdout)
}
