import {Flags} from '@oclif/core'

import type {ListAllInput} from '../core/list-all-resources.js'
import {tagsOf} from '../core/list-all-resources.js'
import {SORT_KEYS, type ResourceSort, type SortKey} from '../core/sort-resources.js'
import {RunctlError} from '../model/errors.js'
import {INSTANCE_STATES, type InstanceState} from '../model/instance.js'
import {HOLDING_KINDS} from '../model/holding-kinds.js'
import type {HoldingKind} from '../providers/provider.js'
import {askFlag} from './ask-flag.js'
import {durationFlag} from './duration-flag.js'
import {ownerFlags, pairs, placeFlags} from './resources-command.js'

const KINDS = ['instance', ...HOLDING_KINDS, 'all'] as const
const SORTS = SORT_KEYS.flatMap(key => [key, `-${key}`] as const)

export const EXPORT_FORMATS = ['csv', 'html'] as const

export const listFlags = {
  ...placeFlags,
  ...ownerFlags,
  ask: askFlag,
  kind: Flags.option({options: KINDS, multiple: true, summary: 'What to list. Default: instances. Repeatable.'})(),
  state: Flags.option({options: INSTANCE_STATES, multiple: true, summary: 'Only instances in this state. Repeatable.'})(),
  tag: Flags.string({multiple: true, helpValue: 'KEY=VALUE', summary: 'Only what has this tag. Repeatable: all must match.'}),
  filter: Flags.string({
    multiple: true,
    helpValue: 'NAME=VALUE',
    summary: "Only instances that the platform's own filter lets through, such as instance-type=g5.* on aws. Repeatable: the values of one name are alternatives.",
  }),
  sort: Flags.option({
    options: SORTS,
    helpValue: [...SORT_KEYS].join('|'),
    summary: 'Money from the most to the least, age from the oldest, the rest from A; with - in front the other way round. What is not known comes last. Needs all rows before the first is shown.',
  })(),
  limit: Flags.integer({min: 1, summary: 'At most so many; without --sort nothing is asked for beyond them.'}),
  watch: durationFlag({summary: 'Look again and again until Ctrl-C, every 5s where no time is given. With --json each look is one line.'}),
  export: Flags.option({options: EXPORT_FORMATS, exclusive: ['watch'], summary: 'Print the list as a CSV or HTML file; --output is about the format of the result as always.'})(),
  'output-file': Flags.string({helpValue: 'FILE', dependsOn: ['export'], summary: 'Write the exported list there; standard output has the usual result then.'}),
}

interface ListFlags {
  readonly ask: boolean
  readonly kind?: readonly (typeof KINDS)[number][] | undefined
  readonly state?: readonly InstanceState[] | undefined
  readonly tag?: readonly string[] | undefined
  readonly filter?: readonly string[] | undefined
  readonly project?: string | undefined
  readonly sort?: (typeof SORTS)[number] | undefined
  readonly limit?: number | undefined
  readonly export?: (typeof EXPORT_FORMATS)[number] | undefined
}

/** What is to be listed. Rejects with `bad_input`. */
export function listInput(flags: ListFlags, owner: string | null): ListAllInput {
  const kinds = kindsOf(flags.kind ?? [])
  const {filter = [], state = []} = flags
  const ofInstances = filter.length > 0 ? '--filter' : '--state'
  if (!kinds.has('instance') && filter.length + state.length > 0) throw new RunctlError('bad_input', `${ofInstances} is about instances: add --kind instance, or leave it out`)
  return {
    kinds,
    states: state,
    tags: tagsOf({owner, project: flags.project ?? null, tags: singleValues(pairs('tag', flags.tag ?? []))}),
    filters: filter.length === 0 ? null : pairs('filter', filter),
    ask: flags.ask,
    // A file that is read later is read from its top.
    sort: flags.sort === undefined ? (flags.export === 'html' ? {key: 'cost', reversed: false} : null) : sortOf(flags.sort),
    limit: flags.limit ?? null,
  }
}

function kindsOf(given: readonly (typeof KINDS)[number][]): ReadonlySet<HoldingKind | 'instance'> {
  if (given.includes('all')) return new Set(['instance', ...HOLDING_KINDS])
  return new Set(given.length === 0 ? ['instance'] : given.filter(kind => kind !== 'all'))
}

function sortOf(text: (typeof SORTS)[number]): ResourceSort {
  const reversed = text.startsWith('-')
  return {key: (reversed ? text.slice(1) : text) as SortKey, reversed}
}

/** A tag has one value: two that are wanted are never there. */
function singleValues(given: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(given).map(([key, values]) => {
    if (new Set(values).size > 1) throw new RunctlError('bad_input', `--tag ${key}: a tag has one value, not ${values.map(value => JSON.stringify(value)).join(' and ')}`)
    return [key, values[0] ?? '']
  }))
}
