// Builds dist/ (TypeScript and the agent), oclif.manifest.json, and dist/ of each package below plugins/. The same sources give the same bytes.
//   node scripts/build.mjs              everything
//   node scripts/build.mjs --manifest   only the manifest, from the dist/ that is there
import {spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, renameSync, rmSync} from 'node:fs'
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

function compile(project, folder) {
  // By its file, not by node_modules/.bin: that is a .cmd file on Windows.
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc')
  if (!existsSync(join(ROOT, tsc))) throw new BuildError('the compiler is not installed; run: npm ci')
  run(process.execPath, [tsc, '-p', project, '--outDir', folder], 'node was not found')
}

function buildInto(folder) {
  compile('tsconfig.json', folder)
  run(process.execPath, [join('scripts', 'write-platform-verbs.mjs'), folder], 'node was not found')
  mkdirSync(join(folder, 'agent'), {recursive: true})
  const python = process.env.PYTHON || 'python3'
  run(
    python,
    ['-B', join('scripts', 'build_agent.py'), join(folder, 'agent', 'runctl-agent.pyz')],
    `${python} was not found. The agent that runs on instances is built with it: ` +
      'install Python 3.8 or newer (or set PYTHON), then: npm run build',
  )
}

/** What is built is always whole, the old or the new one: what reads it meanwhile (or after a failure) never finds half of it. */
function replaceFolder(folder, build) {
  const fresh = join(dirname(folder), `.dist-new-${process.pid}`)
  const old = join(dirname(folder), `.dist-old-${process.pid}`)
  try {
    build(fresh)
    if (existsSync(folder)) renameSync(folder, old)
    renameSync(fresh, folder)
  } finally {
    rmSync(fresh, {force: true, recursive: true})
    rmSync(old, {force: true, recursive: true})
  }
}

/** Against the types of the dist/ that was just built, as anybody's plugin is. */
function buildPlugins() {
  const packages = existsSync(join(ROOT, 'plugins')) ? readdirSync(join(ROOT, 'plugins')).sort() : []
  for (const name of packages) {
    const project = join('plugins', name, 'tsconfig.json')
    if (existsSync(join(ROOT, project))) replaceFolder(join(ROOT, 'plugins', name, 'dist'), (fresh) => compile(project, fresh))
  }
}

try {
  const isWhole = !process.argv.includes('--manifest')
  if (isWhole) replaceFolder(DIST, buildInto)
  run(process.execPath, [join('scripts', 'write-manifest.mjs')], 'node was not found')
  if (isWhole) buildPlugins()
} catch (error) {
  if (!(error instanceof BuildError)) throw error
  console.error(`build: ${error.message}`)
  process.exitCode = 1
}
