import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'

/** The built agent: its bytes and the SHA-256 (hex) under which an instance keeps it. */
export interface AgentFile {
  readonly bytes: Uint8Array
  readonly sha256: string
}

/** Where the build put the zipapp. The same relative path serves src/ and dist/. */
export const agentFilePath = (): string => fileURLToPath(new URL('../../dist/agent/runctl-agent.pyz', import.meta.url))

export async function loadAgentFile(): Promise<AgentFile> {
  const bytes = await readFile(agentFilePath())
  return {bytes, sha256: createHash('sha256').update(bytes).digest('hex')}
}
