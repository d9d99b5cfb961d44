import {expect} from 'chai'
import {ESLint} from 'eslint'
import tseslint from 'typescript-eslint'

// The project's own configuration, less the rules that need types: the files below do not exist.
const eslint = new ESLint({
  overrideConfig: [
    tseslint.configs.disableTypeChecked,
    {files: ['**/*.ts'], languageOptions: {parserOptions: {project: null}}},
    {files: ['**/*.ts'], rules: {'@typescript-eslint/no-unused-vars': 'off'}},
  ],
})

/** The rules that `text` breaks when it stands in `file`. */
async function broken(file: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${text}\n`, {filePath: file})
  return result!.messages.map((message) => message.ruleId ?? message.message)
}

const value = (from: string): string => `import {thing} from '${from}'`
const type = (from: string): string => `import type {Thing} from '${from}'`

describe('the layers', () => {
  const allowed: readonly (readonly [file: string, text: string])[] = [
    ['src/commands/local/stop.ts', value('../../core/stop-instance.js')],
    ['src/commands/local/stop.ts', value('../../cli/base-command.js')],
    ['src/commands/local/stop.ts', value('../../ui/table.js')],
    ['src/commands/local/stop.ts', value('../../model/instance.js')],
    ['src/commands/config/show.ts', type('../../config/configuration.js')],
    ['src/commands/config/show.ts', value('@oclif/core')],
    ['src/cli/base-command.ts', value('../config/configuration.js')],
    ['src/cli/base-command.ts', value('../state/price-cache.js')],
    ['src/cli/base-command.ts', value('../hooks/events.js')],
    ['src/cli/base-command.ts', value('../agent/client.js')],
    ['src/cli/base-command.ts', value('../providers/provider.js')],
    ['src/cli/base-command.ts', value('@oclif/core')],
    ['src/cli/base-command.ts', 'await config.runHook({})'],
    ['src/hooks/platforms/local.ts', value('../../providers/local/definition.js')],
    ['src/hooks/prestop-checkpoint.ts', value('../core/save-runs.js')],
    ['src/hooks/prestop-checkpoint.ts', value('./events.js')],
    ['src/hooks/prestop-checkpoint.ts', 'export default function hook() {}'],
    ['src/hooks/events.ts', type('@oclif/core')],
    ['src/commands/run/list.ts', 'export default class List extends Base {}'],
    ['src/core/train.ts', value('./clock.js')],
    ['src/core/sync/plan.ts', value('../clock.js')],
    ['src/core/train.ts', value('../agent/client.js')],
    ['src/core/train.ts', type('../providers/provider.js')],
    ['src/core/train.ts', type('../hooks/events.js')],
    ['src/providers/aws/ec2.ts', value('../provider.js')],
    ['src/providers/aws/ec2.ts', "export const load = () => import('@aws-sdk/client-ec2')"],
    ['src/providers/local/processes.ts', value('node:child_process')],
    ['src/ui/run-text.ts', type('../core/show-status.js')],
    ['src/ui/progress.ts', value('listr2')],
    ['src/ui/table.ts', value('cli-table3')],
    ['src/testing/contract.ts', value('../providers/provider.js')],
    ['src/index.ts', `export * from './hooks/events.js'`],
  ]
  for (const [file, text] of allowed) {
    it(`lets ${file} have: ${text}`, async () => {
      expect(await broken(file, text)).to.deep.equal([])
    })
  }

  const forbidden: readonly (readonly [file: string, text: string, rule?: string])[] = [
    ['src/commands/aws/stop.ts', value('../../providers/aws/ec2.js')],
    ['src/commands/aws/stop.ts', value('../../providers/provider.js')],
    ['src/commands/aws/stop.ts', value('../../agent/client.js')],
    ['src/commands/aws/stop.ts', value('../../hooks/events.js')],
    ['src/commands/aws/stop.ts', value('../../state/price-cache.js')],
    ['src/commands/config/show.ts', value('../../config/configuration.js')],
    ['src/cli/base-command.ts', value('../providers/local/definition.js')],
    ['src/cli/base-command.ts', value('../commands/local/stop.js')],
    ['src/cli/base-command.ts', value('../hooks/prestop-checkpoint.js')],
    ['src/hooks/prestop-checkpoint.ts', value('../cli/base-command.js')],
    ['src/hooks/prestop-checkpoint.ts', value('../ui/table.js')],
    ['src/core/train.ts', value('../providers/provider.js')],
    ['src/core/train.ts', `import {type Provider} from '../providers/provider.js'`],
    ['src/core/train.ts', type('../providers/local/definition.js')],
    ['src/core/train.ts', value('../hooks/events.js')],
    ['src/core/train.ts', type('../hooks/prestop-checkpoint.js')],
    ['src/core/train.ts', value('../config/configuration.js')],
    ['src/core/train.ts', value('../state/price-cache.js')],
    ['src/core/train.ts', value('../ui/table.js')],
    ['src/core/train.ts', value('../cli/base-command.js')],
    ['src/core/train.ts', value('@oclif/core')],
    ['src/core/train.ts', value('@oclif/core/errors')],
    ['src/core/train.ts', value('listr2')],
    ['src/core/train.ts', `export * from '../ui/table.js'`],
    ['src/core/train.ts', `export {table} from '../ui/table.js'`],
    ['src/core/train.ts', `export const load = () => import('../ui/table.js')`],
    ['src/core/train.ts', `export const load = () => import('@aws-sdk/client-s3')`],
    ['src/core/train.ts', `export type Table = import('../ui/table.js').Table`],
    ['src/core/sync/plan.ts', value('../../ui/table.js')],
    ['src/core/train.ts', value('../../bin/run.js')],
    ['src/core/train.ts', value('../lib/new-layer.js')],
    ['src/lib/new-layer.ts', 'export const a = 1'],
    ['src/providers/aws/ec2.ts', value('../local/processes.js')],
    ['src/providers/aws/ec2.ts', value('../../core/train.js')],
    ['src/providers/aws/ec2.ts', value('../../agent/client.js')],
    ['src/providers/local/processes.ts', value('@aws-sdk/client-ec2')],
    ['src/hooks/platforms/aws.ts', value('@aws-sdk/client-ec2')],
    ['src/providers/provider.ts', type('./local/definition.js')],
    ['src/ui/run-text.ts', value('../core/show-status.js')],
    ['src/ui/run-text.ts', value('../agent/client.js')],
    ['src/ui/run-text.ts', value('@oclif/core')],
    ['src/config/configuration.ts', value('../state/price-cache.js')],
    ['src/config/configuration.ts', value('../core/train.js')],
    ['src/state/price-cache.ts', value('../config/configuration.js')],
    ['src/agent/client.ts', value('../core/clock.js')],
    ['src/agent/client.ts', value('../providers/local/definition.js')],
    ['src/testing/contract.ts', value('../core/train.js')],
    ['src/model/run.ts', type('../agent/protocol.js')],
    ['src/model/run.ts', value('node:fs')],
    ['src/index.ts', value('./commands/local/stop.js')],
    ['src/core/train.ts', 'await config.runHook({})', 'no-restricted-syntax'],
    ['src/core/train.ts', 'export default function train() {}', 'no-restricted-exports'],
    ['src/hooks/events.ts', 'export default function events() {}', 'no-restricted-exports'],
    ['test/core/train.test.ts', 'export default function train() {}', 'no-restricted-exports'],
    ['src/core/train.ts', `export const lines = [\n${'  0,\n'.repeat(400)}]`, 'max-lines'],
  ]
  for (const [file, text, rule = 'runctl/layers'] of forbidden) {
    it(`keeps ${file} from having: ${text.length > 100 ? `${text.split('\n').length} lines` : text}`, async () => {
      expect(await broken(file, text)).to.deep.equal([rule])
    })
  }
})
