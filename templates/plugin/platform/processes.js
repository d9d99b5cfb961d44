import {execFile} from 'node:child_process'
import {readdir, readFile} from 'node:fs/promises'
import {promisify} from 'node:util'

/** Ends what was started on an instance, whoever started it in the end: the mark in the environment is handed on from process to process. */
export async function endProcesses(id) {
  for (let found = await processesOf(id); found.length > 0; found = await processesOf(id)) {
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function processesOf(id) {
  const mark = `RUNCTL_INSTANCE_ID=${id}`
  const names = await readdir('/proc').catch(() => null)
  if (names === null) return listedBy(mark)
  const found = await Promise.all(names.filter(name => /^\d+$/.test(name)).map(async name => {
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')
    return environment.split('\0').includes(mark) ? [Number(name)] : []
  }))
  return found.flat().filter(pid => pid !== process.pid)
}

/** Where there is no /proc. */
async function listedBy(mark) {
  const {stdout} = await promisify(execFile)('ps', ['axeww', '-o', 'pid=,command='], {maxBuffer: 64 << 20})
  return stdout.split('\n').filter(line => line.split(' ').includes(mark)).map(line => Number.parseInt(line, 10)).filter(pid => pid !== process.pid)
}
