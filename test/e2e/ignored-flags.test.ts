import {expect} from 'chai'

import {PLATFORM, ABSENT, Bench} from './support/bench.js'

/** Whatever would be passed over in silence: nothing is begun. */
const REFUSED: readonly (readonly [argv: readonly string[], says: RegExp, next: string])[] = [
  [[PLATFORM, 'create', '--timeout', '5m'], /--timeout limits the waiting/, `runctl ${PLATFORM} create --timeout 5m --wait`],
  [['aws', 'create', '--timeout', '5m', '--name', 'a b'], /--timeout limits the waiting/, "runctl aws create --timeout 5m --name 'a b' --wait"],
  [[PLATFORM, 'train', ABSENT, 'run.sh', '--timeout', '5m', '--', '--n', '1'], /--timeout limits the waiting/, `runctl ${PLATFORM} train ${ABSENT} run.sh --timeout 5m --wait -- --n 1`],
  [[PLATFORM, 'train', ABSENT, 'run.sh', '--no-sync-code', '--include-pattern', '*.bin', '--env', 'TOKEN=secret'], /--include-pattern says what else is sent, but nothing is sent: --no-sync-code/,
    `runctl ${PLATFORM} train ${ABSENT} run.sh --include-pattern '*.bin' --env TOKEN=… --sync-code`],
  [['workflow', 'run', PLATFORM, 'run.sh', '--no-sync-code', '--include-pattern', '*.bin'], /--no-sync-code/, `runctl workflow run ${PLATFORM} run.sh --include-pattern '*.bin' --sync-code`],
  [[PLATFORM, 'train', ABSENT, 'run.sh', '--python', 'python3.8'], /--python runs \.py files; run\.sh runs by itself/, `runctl ${PLATFORM} train ${ABSENT} run.sh`],
  [['workflow', 'run', PLATFORM, 'run.sh', '--python=python3.8', '--', 'x'], /--python runs \.py files/, `runctl workflow run ${PLATFORM} run.sh -- x`],
  [[PLATFORM, 'run.sh', '--python', 'python3.8'], /--python runs \.py files/, `runctl ${PLATFORM} run.sh`],
  [['doctor', '--platform', PLATFORM, '--type', 'g5.xlarge'], new RegExp(`${PLATFORM} has no quotas of instance types`), `runctl doctor --platform ${PLATFORM}`],
]

describe('a flag that would not be used', () => {
  let bench: Bench

  before(async () => {
    bench = await Bench.create({'run.sh': 'echo ran\n', 'train.py': 'print("ran")\n'})
  })
  after(() => bench.destroy())

  for (const [argv, says, next] of REFUSED) {
    it(`is refused with what to type instead: ${argv.join(' ')}`, async () => {
      const {code, error} = await bench.jsonError(argv)
      // The test itself asked for --json.
      expect([code, error.code, error.next[0]?.replace(' --json', '')]).to.deep.equal([2, 'bad_input', next])
      expect(error.message).to.match(says)
    })
  }

  it('is refused where the flag is lacking that it belongs to', async () => {
    for (const argv of [[PLATFORM, 'processes', ABSENT, '--interval', '1s'], [PLATFORM, 'pull', ABSENT, 'a', '--project', 'x'], ['aws', 'create', '--spot-max-price', '1']]) {
      const {error} = await bench.jsonError(argv)
      expect([error.code, error.exit_code], error.message).to.deep.equal(['bad_input', 2])
      expect(error.message).to.match(/must be provided when using/)
    }
    const raw = await bench.jsonError(['run', 'logs', 'run-20260101-000000-abcd', '--raw'])
    expect([raw.error.code, raw.error.next]).to.deep.equal(['bad_input', ['runctl run logs run-20260101-000000-abcd --raw --output text']])
  })

  it('is refused by the configuration as well, where the flag was typed; a setting alone fits what it fits', async () => {
    await bench.write('.runctl.toml', '[train]\nsync_code = false\npython = "python3"\n')
    const {error} = await bench.jsonError([PLATFORM, 'train', ABSENT, 'train.py', '--include-pattern', 'x'])
    expect(error.message).to.contain('train.sync_code is false')
    await bench.write('.runctl.toml', '[train]\npython = "python3"\n')
    // Nothing was begun until here.
    expect(await bench.json<readonly unknown[]>(['resources', 'list'])).to.deep.equal([])
    const id = await bench.instance()
    expect((await bench.ok([PLATFORM, 'train', id, 'run.sh', '--wait'])).stdout).to.match(/^ran$/m)
  })
})
