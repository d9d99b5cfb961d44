import {readFile} from 'node:fs/promises'
import path from 'node:path'

import {writeWhole} from './spool.js'

const FILE = 'checkpoints.json'
const MOST_RUNS = 100

/** Whether it is time to tell of another checkpoint of this run. If so, it counts as told. */
export async function isTimeForCheckpoint(folder: string, run: string, gapMs: number, now: number): Promise<boolean> {
  const told = await readTold(path.join(folder, FILE))
  const last = told.find(([name]) => name === run)?.[1]
  if (last !== undefined && now >= last && now - last < gapMs) return false
  const others = told.filter(([name]) => name !== run).slice(1 - MOST_RUNS)
  await writeWhole(folder, FILE, [...others, [run, now]])
  return true
}

type Told = readonly (readonly [string, number])[]

async function readTold(file: string): Promise<Told> {
  try {
    const told: unknown = JSON.parse(await readFile(file, 'utf8'))
    return Array.isArray(told) ? told.filter((one: unknown): one is [string, number] => Array.isArray(one) && typeof one[0] === 'string' && typeof one[1] === 'number') : []
  } catch {
    return []
  }
}
