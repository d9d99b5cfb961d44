import {startMoto, WITHOUT_JUDGE} from '../../judge/moto.js'
import {Bench, PLATFORMS, type PlatformName} from './bench.js'

export interface OpenAccount {
  readonly bench: Bench
  close(): Promise<void>
}

/** Where a user may be at work. */
export interface Account {
  readonly title: string
  readonly platform: PlatformName
  /** Why nothing is tested there; null: it is. */
  readonly skipped: string | null
  open(files: Readonly<Record<string, string>>): Promise<OpenAccount>
}

const own = (platform: PlatformName): Account => ({
  title: platform,
  platform,
  skipped: null,
  async open(files) {
    const bench = await Bench.create(files, {platform})
    return {bench, close: () => bench.destroy()}
  },
})

/** An account at an emulator that was not written here: it has nothing but a default VPC, until `aws setup` has made what runctl needs. */
export const JUDGED: Account = {
  title: `aws, where moto answers for EC2, IAM, S3 and STS${WITHOUT_JUDGE === null ? '' : ` (${WITHOUT_JUDGE})`}`,
  platform: 'aws',
  skipped: WITHOUT_JUDGE,
  async open(files) {
    const account = await openEmptyJudged(files)
    await account.bench.ok(['aws', 'setup'])
    return account
  },
}

export async function openEmptyJudged(files: Readonly<Record<string, string>>): Promise<OpenAccount> {
  const moto = await startMoto()
  const bench = await Bench.create(files, {platform: 'aws', aws: {judge: {url: moto.url}}})
  // The bench has them in every account, moto has not.
  bench.aws.world.roles.clear()
  bench.aws.world.instanceProfiles.clear()
  return {
    bench,
    close: async () => {
      await bench.destroy()
      await moto.close()
    },
  }
}

/** The workflows are the same everywhere: `npm test` has them on this machine, `npm run test:aws` on the bench of AWS, and judged. */
export const ACCOUNTS: readonly Account[] = PLATFORMS.flatMap(platform => (platform === 'aws' ? [own(platform), JUDGED] : [own(platform)]))
