import {spawn} from 'node:child_process'
import path from 'node:path'

import {SenderLock} from './sender-lock.js'

/** All that a connection may need. Whatever else the command has in its environment, secrets above all, is not the sender's. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'SystemRoot', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_ENV_PROXY', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy']

/** Returns when it is started, or at once where one is at work. */
export async function startSender(folder: string): Promise<void> {
  if (await new SenderLock(folder).isHeld()) return
  const env = Object.fromEntries(PASSED_ON.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'sender.js'), folder], {cwd: '/', detached: true, env, stdio: 'ignore', windowsHide: true})
  child.unref()
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
}
