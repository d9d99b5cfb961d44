import {formatCost} from './money.js'

/** `$41.20`, `$41.20 + unknown (2)`, `unknown (2)`: what is known of a sum, and of how many things the part in it is not. */
export function sumWords(knownUsd: number, unknown: number): string {
  if (unknown === 0) return formatCost(knownUsd)
  return knownUsd === 0 ? `unknown (${unknown})` : `${formatCost(knownUsd)} + unknown (${unknown})`
}
