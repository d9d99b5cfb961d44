/**
 * What an instance has cost so far, as its tags keep it: `runctl:cost`, `runctl:cost-2`, … hold one text, cut between words.
 *
 *   1.<tags>.<checksum>.<begin>  then a word for each segment, each beginning where the one before ends:
 *   d2jr@1.006/8.5=g5.xlarge:pricing-api   on demand from a start on, 2jr seconds (base 36) at 1.006 $/h, disks 8.5 $/month, of that type, priced so
 *   c on demand, p spot from a start on, q spot that goes on, x stopped, g nobody looked and nothing is counted. Without a length: it goes on.
 *
 * What is left out is as in the word before; `-` is unknown. docs/costs.md says what becomes of it.
 */
import type {CostSegment} from './cost.js'
import {mergeSome} from './cost-merge.js'
import {TAGS} from './instance.js'

const MOST_TAGS = 6
const MOST_CHARACTERS = 256

export interface CostHistory {
  /** Oldest first; only the last may go on. */
  readonly segments: readonly CostSegment[]
  /** There are tags, but somebody else has written them, or a part is lost: then `segments` is empty. */
  readonly damaged: boolean
}

/** The tags that say what these segments say. Where there are too many, the oldest become sums. Empty for no segments. */
export function encodeCostTags(segments: readonly CostSegment[]): Readonly<Record<string, string>> {
  let rest = inWholeSeconds(segments)
  for (;;) {
    const tags = rest.length === 0 ? [] : chunks(rest)
    if (tags.length <= MOST_TAGS) return Object.fromEntries(tags.map((value, at) => [tagName(at), value]))
    // One after another would take a long time where there are thousands.
    rest = inWholeSeconds(mergeSome(rest, Math.max(1, Math.floor(rest.length / 16))))
  }
}

/** Anyone can write tags: what cannot be read as a whole tells nothing. */
export function decodeCostTags(tags: Readonly<Record<string, string>>): CostHistory {
  const first = tags[TAGS.cost]
  if (first === undefined || first === '') return {segments: [], damaged: false}
  const [, count = '', sum, begin = '', body = ''] = /^1\.([1-6])\.([0-9a-z]+)\.([0-9a-z]{1,9}) (.*)$/.exec(first) ?? []
  const text = [body, ...Array.from({length: Math.max(0, Number(count) - 1)}, (_, at) => tags[tagName(at + 1)] ?? '')].join(' ')
  if (sum === undefined || sum !== checksum(`${begin} ${text}`)) return {segments: [], damaged: true}
  const segments = readWords(text.split(' '), Number.parseInt(begin, 36))
  return segments === null ? {segments: [], damaged: true} : {segments, damaged: false}
}

const tagName = (at: number): string => (at === 0 ? TAGS.cost : `${TAGS.cost}-${at + 1}`)

const KINDS = {d: ['on-demand', true], c: ['on-demand', false], p: ['spot', true], q: ['spot', false], x: ['stopped', false]} as const
const WORD = /^([cdgpqx])([0-9a-z]*)(?:@(-|\d[\d.e+-]*))?(?:\/(-|\d[\d.e+-]*))?(?:=(-|[A-Za-z0-9][\w.-]*))?(?::(-|[A-Za-z0-9][\w.-]*))?$/

interface Said {
  price: string
  storage: string
  type: string
  source: string
}
const NOTHING: Said = {price: '-', storage: '-', type: '-', source: '-'}

function chunks(segments: readonly CostSegment[]): readonly string[] {
  const {begin, words} = writeWords(segments)
  const values: string[] = []
  // Room for the head: two digits and dots, a checksum of at most seven characters, a time of at most nine.
  let room = MOST_CHARACTERS - 24
  for (const word of words) {
    const last = values.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= room) values[values.length - 1] = `${last} ${word}`
    else {
      if (last !== undefined) room = MOST_CHARACTERS
      values.push(word)
    }
  }
  const text = values.join(' ')
  return values.map((value, at) => (at === 0 ? `1.${values.length}.${checksum(`${begin} ${text}`)}.${begin} ${value}` : value))
}

function writeWords(segments: readonly CostSegment[]): {readonly begin: string; readonly words: readonly string[]} {
  let at = secondsOf(segments[0]?.from ?? '')
  const begin = at.toString(36)
  let said = NOTHING
  const words: string[] = []
  for (const segment of segments) {
    const from = secondsOf(segment.from)
    if (from > at) words.push(`g${(from - at).toString(36)}`)
    const runs = segment.kind !== 'stopped'
    const now: Said = {
      price: runs ? figure(segment.usd_per_hour) : said.price,
      storage: figure(segment.storage_usd_per_month),
      type: nameOf(segment.instance_type),
      source: runs ? nameOf(segment.price_source?.replaceAll(' ', '_') ?? null) : said.source,
    }
    const letter = segment.kind === 'stopped' ? 'x' : segment.kind === 'spot' ? (segment.begins_with_start ? 'p' : 'q') : segment.begins_with_start ? 'd' : 'c'
    at = segment.to === null ? from : secondsOf(segment.to)
    const length = segment.to === null ? '' : (at - from).toString(36)
    const part = (mark: string, name: keyof Said): string => (now[name] === said[name] ? '' : `${mark}${now[name]}`)
    words.push(`${letter}${length}${part('@', 'price')}${part('/', 'storage')}${part('=', 'type')}${part(':', 'source')}`)
    said = now
  }
  return {begin, words}
}

function readWords(words: readonly string[], begin: number): readonly CostSegment[] | null {
  const segments: CostSegment[] = []
  let at = begin
  let said = NOTHING
  for (const [index, word] of words.entries()) {
    const [, letter, length = '', price = said.price, storage = said.storage, type = said.type, source = said.source] = WORD.exec(word) ?? []
    if (letter === undefined || (length === '' && (index < words.length - 1 || letter === 'g'))) return null
    const to = at + Number.parseInt(length || '0', 36)
    const end = length === '' ? null : time(to)
    const from = time(at)
    if (from === null || (length !== '' && end === null)) return null
    at = to
    if (letter === 'g') continue
    said = {price, storage, type, source}
    const [kind, begins_with_start] = KINDS[letter as keyof typeof KINDS]
    const usd = valueOf(price)
    const month = valueOf(storage)
    if (usd === undefined || month === undefined) return null
    const runs = kind !== 'stopped'
    segments.push({
      from, to: end, kind, instance_type: type === '-' ? null : type, usd_per_hour: runs ? usd : 0, storage_usd_per_month: month,
      price_source: runs && source !== '-' ? source.replaceAll('_', ' ') : null, begins_with_start,
    })
  }
  return segments
}

/** Whole seconds, one after another, nothing of no length: but a start is a start. */
function inWholeSeconds(segments: readonly CostSegment[]): readonly CostSegment[] {
  const whole: CostSegment[] = []
  let at = -Infinity
  for (const segment of segments) {
    const from = Math.max(at, secondsOf(segment.from))
    const to = segment.to === null ? null : Math.max(from + (segment.begins_with_start ? 1 : 0), secondsOf(segment.to))
    at = to ?? from
    if (to !== from) whole.push({...segment, from: isoOf(from), to: to === null ? null : isoOf(to)})
  }
  return whole
}

const secondsOf = (iso: string): number => Math.round(Date.parse(iso) / 1000)
const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString()
/** null for what is no time. */
const time = (seconds: number): string | null => (seconds >= 0 && seconds < 8.64e12 ? isoOf(seconds) : null)
const figure = (usd: number | null): string => (usd === null ? '-' : String(Number(usd.toPrecision(6))))
/** undefined: no amount of money. */
function valueOf(text: string): number | null | undefined {
  if (text === '-') return null
  const value = Number(text)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}
/** What no tag may hold, or is too long to be a name, is not known later. */
const nameOf = (name: string | null): string => (name !== null && name.length <= 40 && /^[A-Za-z0-9][\w.-]*$/.test(name) ? name : '-')

/** FNV-1a: tells a text that was cut or edited by hand. */
function checksum(text: string): string {
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return (hash >>> 0).toString(36)
}
