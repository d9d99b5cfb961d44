import {XMLParser} from 'fast-xml-parser'

import {ServiceError} from '../types.js'

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** Elements that may come more than once, and are lists even where there is one. */
const LISTS = new Set(['CORSRule', 'Object', 'Part', 'Rule', 'Tag', 'Transition'])

export function xmlDocument(root: string, content: string, namespace: string | null = NAMESPACE): string {
  const attribute = namespace === null ? '' : ` xmlns="${namespace}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${content}</${root}>`
}

/** Nothing where the value is undefined. */
export function element(name: string, value: boolean | number | string | undefined): string {
  return value === undefined ? '' : `<${name}>${escape(String(value))}</${name}>`
}

export function group(name: string, ...content: readonly string[]): string {
  return `<${name}>${content.join('')}</${name}>`
}

function escape(text: string): string {
  // What XML 1.0 has no way to say is written as S3 writes it; clients that list such keys ask for encoding-type=url.
  return text.replaceAll(/[&<>"\u0000-\u0008\u000b-\u001f]/g, (letter) => `&#x${letter.charCodeAt(0).toString(16)};`)
}

export type XmlNode = {readonly [name: string]: XmlNode | readonly XmlNode[] | string | undefined}

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
  removeNSPrefix: true,
  processEntities: true,
  htmlEntities: true,
  isArray: (name) => LISTS.has(name),
})

/** The content of the root element, which must be of that name. */
export function readXml(body: Buffer, root: string): XmlNode {
  const text = body.toString('utf8')
  const malformed = new ServiceError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema', 400)
  const content = parse(text)?.[root]
  if (content === undefined || !text.trimEnd().endsWith('>')) throw malformed
  return typeof content === 'string' ? {} : (content as XmlNode)
}

function parse(text: string): XmlNode | undefined {
  try {
    return parser.parse(text) as XmlNode
  } catch {
    return undefined
  }
}

export function textOf(node: XmlNode | undefined, name: string): string | undefined {
  const value = node?.[name]
  return typeof value === 'string' ? value : undefined
}

export function nodesOf(node: XmlNode | undefined, name: string): readonly XmlNode[] {
  const value = node?.[name]
  return Array.isArray(value) ? (value as readonly XmlNode[]) : []
}

export function nodeOf(node: XmlNode | undefined, name: string): XmlNode | undefined {
  const value = node?.[name]
  return typeof value === 'object' && !Array.isArray(value) ? (value as XmlNode) : undefined
}
