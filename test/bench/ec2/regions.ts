/** The regions of the account. What lives in one has ids of its own there. */

import {createHash} from 'node:crypto'

import {type CatalogueImage, IMAGES} from './catalogue.js'

export const REGIONS = ['ap-south-1', 'eu-central-1', 'eu-west-1', 'us-east-1', 'us-east-2', 'us-west-2']
export const ZONE_LETTERS = ['a', 'b', 'c', 'd', 'e', 'f']

/** The catalogue's ids are those of this one. */
const HOME = 'us-east-1'

export function zonesOf(region: string): string[] {
  return ZONE_LETTERS.map((letter) => region + letter)
}

export function regionOfZone(zone: string): string {
  return zone.slice(0, -1)
}

export function vpcIdOf(region: string): string {
  return `vpc-0a11ce5be7c${markOf(region)}1`
}

export function defaultGroupIdOf(region: string): string {
  return `sg-0a11ce5be7c${markOf(region)}1`
}

export function subnetIdOf(zone: string): string {
  return `subnet-0a11ce5be7c${markOf(regionOfZone(zone))}${ZONE_LETTERS.indexOf(zone.slice(-1)) + 1}`
}

/** By their ids, which differ from region to region as AWS's do. */
export function imagesIn(region: string): ReadonlyMap<string, CatalogueImage> {
  if (region === HOME) return IMAGES
  const mark = markOf(region)
  return new Map([...IMAGES.values()].map((image) => ({...image, id: `ami-0${mark}${image.id.slice('ami-012345'.length)}`})).map((image) => [image.id, image]))
}

/** Five hexadecimal digits. */
function markOf(region: string): string {
  return region === HOME ? '00000' : createHash('sha256').update(region).digest('hex').slice(0, 5)
}
