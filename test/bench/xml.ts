/** Answers of the XML protocols, written from plain values. */

export type XmlValue = Date | boolean | number | string | readonly XmlValue[] | {readonly [name: string]: XmlValue} | null | undefined

/** `<name>…</name>`; null and undefined write nothing; a list's entries stand in elements of `itemName`. */
export function writeXml(name: string, value: XmlValue, itemName: 'item' | 'member'): string {
  if (value === null || value === undefined) return ''
  return `<${name}>${writeContent(value, itemName)}</${name}>`
}

function writeContent(value: XmlValue, itemName: 'item' | 'member'): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  if (isList(value)) return value.map((entry) => writeXml(itemName, entry, itemName)).join('')
  if (typeof value === 'object') return Object.entries(value).map(([name, inner]) => writeXml(name, inner, itemName)).join('')
  return escapeXml(String(value))
}

function isList(value: XmlValue): value is readonly XmlValue[] {
  return Array.isArray(value)
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll('\r', '&#xD;')
}
