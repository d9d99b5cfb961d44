/**
 * Service Quotas counts vCPUs by family of types, on-demand and spot apart. Codes of the service `ec2`, from AWS's list of EC2 quotas.
 */
export interface QuotaFamily {
  readonly code: string
  readonly spotCode: string
  readonly name: string
  /** Whether a type, by the letters before its generation (`g` of `g5.xlarge`), counts here. */
  readonly matches: (letters: string) => boolean
}

export const QUOTA_FAMILIES: readonly QuotaFamily[] = [
  {code: 'L-DB2E81BA', spotCode: 'L-3819A6DF', name: 'G and VT', matches: letters => /^(g|gr|vt)$/.test(letters)},
  {code: 'L-417A185B', spotCode: 'L-7212CCBC', name: 'P', matches: letters => letters === 'p'},
  {code: 'L-1945791B', spotCode: 'L-B5D1601B', name: 'Inf', matches: letters => letters === 'inf'},
  {code: 'L-2C3B7624', spotCode: 'L-6B0D517C', name: 'Trn', matches: letters => letters === 'trn'},
  {code: 'L-1216C47A', spotCode: 'L-34B43A08', name: 'Standard (A, C, D, H, I, M, R, T, Z)', matches: letters => /^[acdhimrtz]/.test(letters) && !['dl', 'hpc', 'mac'].includes(letters)},
]

/** null for families that have quotas of their own which are not in the table. */
export function quotaFamilyOf(instanceType: string): QuotaFamily | null {
  const letters = /^[a-z]+/.exec(instanceType)?.[0] ?? ''
  return QUOTA_FAMILIES.find(({matches}) => matches(letters)) ?? null
}
