import {formatBytes} from './bytes.js'
import {formatAge} from './duration.js'
import {formatCost, formatHourly} from './money.js'
import type {RenderEnv} from './render-env.js'

// The same fact twice: rounded for people in a `table`, exact for programs in `text` (bytes, ISO 8601, plain numbers).

export function shownBytes(bytes: number | null, env: RenderEnv): string | null {
  if (bytes === null) return null
  return env.format === 'text' ? String(bytes) : formatBytes(bytes)
}

export function shownAge(at: string | null, env: RenderEnv): string | null {
  return env.format === 'text' ? at : formatAge(at, env.now)
}

export function shownHourly(usdPerHour: number | null, env: RenderEnv): string | null {
  if (env.format === 'text') return usdPerHour === null ? null : String(usdPerHour)
  return formatHourly(usdPerHour)
}

export function shownCost(usd: number | null, env: RenderEnv): string | null {
  if (env.format === 'text') return usd === null ? null : String(usd)
  return formatCost(usd)
}

export function shownNumber(value: number | null): string | null {
  return value === null ? null : String(value)
}

/** Whole numbers as they are, others with four digits: `12568`, `0.1259`. */
export function shownFigure(value: number, env: RenderEnv): string {
  return String(env.format === 'text' || Number.isInteger(value) ? value : Number(value.toPrecision(4)))
}
