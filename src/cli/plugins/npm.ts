/** The npm that plugin-plugins brings along. */
import {spawn} from 'node:child_process'
import {createRequire} from 'node:module'
import path from 'node:path'

/** What npm says where it is the network that fails, or where it may not use it. */
const NETWORK = ['EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTCACHED', 'ENOTFOUND', 'ERR_SOCKET_TIMEOUT', 'ETIMEDOUT']

/** npm waits minutes for a network that is not there. What somebody has set stays. */
export function limitNpmPatience(env: NodeJS.ProcessEnv): void {
  env['npm_config_fetch_retries'] ??= '1'
  env['npm_config_fetch_retry_mintimeout'] ??= '1000'
  env['npm_config_fetch_timeout'] ??= '60000'
}

export function isNetworkCode(code: string | null): boolean {
  return code !== null && NETWORK.includes(code)
}

/** `npm error code E404` */
export function npmCodeIn(output: string): string | null {
  return /\bcode:? "?(E[A-Z0-9_]+)/.exec(output)?.[1] ?? null
}

/** What npm prints, whether it fails or not. `pluginRoot`: the folder of plugin-plugins. */
export function runNpm(pluginRoot: string, argv: readonly string[], cwd: string): Promise<string> {
  const manifest = createRequire(path.join(pluginRoot, 'package.json')).resolve('npm/package.json')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(path.dirname(manifest), 'bin', 'npm-cli.js'), ...argv], {cwd, stdio: ['ignore', 'pipe', 'pipe']})
    const chunks: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('error', reject)
    child.once('close', () => resolve(Buffer.concat(chunks).toString('utf8')))
  })
}
