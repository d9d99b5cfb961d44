// Builds dist/ (TypeScript and the agent) and oclif.manifest.json. The same sources give the same bytes.
//   node scripts/build.mjs              everything
//   node scripts/build.mjs --manifest   only the manifest, from the dist/ that is there
import {spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, renameSync, rmSync} from 'node:fs'
import {dirname, join} from 'node:path'

const ROOT = dirname(import.meta.dirname)
const DIST = join(ROOT, 'dist')

class BuildError extends Error {}

function run(command, args, whenMissing) {
  const {error, status, signal} = spawnSync(command, args, {cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit']})
  if (error?.code === 'ENOENT') throw new BuildError(whenMissing)
  if (error) throw error
  if (status !== 0) throw new BuildError(`${[command, ...args].join(' ')} ended with ${signal ?? `exit status ${status}`}`)
}

function buildInto(folder) {
  // By its file, not by node_modules/.bin: that is a .cmd file on Windows.
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc')
  if (!existsSync(join(ROOT, tsc))) throw new BuildError('the compiler is not installed; run: npm ci')
  run(process.execPath, [tsc, '-p', 'tsconfig.json', '--outDir', folder], 'node was not found')
  run(process.execPath, [join('scripts', 'write-platform-verbs.mjs'), folder], 'node was not found')
  run(process.execPath, [join('scripts', 'bundle-completion.mjs'), folder], 'node was not found')
  mkdirSync(join(folder, 'agent'), {recursive: true})
  const python = process.env.PYTHON || 'python3'
  run(
    python,
    ['-B', join('scripts', 'build_agent.py'), join(folder, 'agent', 'runctl-agent.pyz')],
    `${python} was not found. The agent that runs on instances is built with it: ` +
      'install Python 3.8 or newer (or set PYTHON), then: npm run build',
  )
}

/** dist/ is always a whole build, the old or the new one: what reads it meanwhile (or after a failure) never finds half of it. */
function buildDist() {
  const fresh = join(ROOT, `.dist-new-${process.pid}`)
  const old = join(ROOT, `.dist-old-${process.pid}`)
  try {
    buildInto(fresh)
    if (existsSync(DIST)) renameSync(DIST, old)
    renameSync(fresh, DIST)
  } finally {
    rmSync(fresh, {force: true, recursive: true})
    rmSync(old, {force: true, recursive: true})
  }
}

try {
  if (!process.argv.includes('--manifest')) buildDist()
  run(process.execPath, [join('scripts', 'write-manifest.mjs')], 'node was not found')
  run(process.execPath, [join('scripts', 'write-completion-index.mjs')], 'node was not found')
} catch (error) {
  if (!(error instanceof BuildError)) throw error
  console.error(`build: ${error.message}`)
  process.exitCode = 1
}
