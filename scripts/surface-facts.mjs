// How two public surfaces differ: what is new, and what would break somebody who relies on the old one.

/** Every leaf by its path: `commands > local create > flags > name > type`. */
export function factsOf(surface) {
  const facts = new Map()
  const visit = (value, parts) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const entries = Object.entries(value)
      if (entries.length === 0) facts.set(parts.join(' > '), '{}')
      for (const [key, inner] of entries) visit(inner, [...parts, key])
    } else facts.set(parts.join(' > '), JSON.stringify(value))
  }
  visit(surface, [])
  return facts
}

/** What plugins write themselves: a member that they must have is a duty. What they are handed may have more. */
const WRITTEN_BY_PLUGINS = /^declarations > [^>]+ > (?:Provider|Shell|Pricing|Holdings|ObjectStore|SelfStop|PlatformDefinition|SaveResult|CheckpointFormat) > /

/**
 * What is gone or another is breaking, and so is what must be given or kept to that need not be before: a required flag, argument or member of what
 * was there, values that are the only ones, flags that exclude each other. A list of values that only grew is not.
 */
export function differences(old, now) {
  const breaking = []
  const added = []
  for (const [fact, value] of old) {
    const other = now.get(fact)
    if (other === undefined && value === '{}' && [...now.keys()].some((key) => key.startsWith(`${fact} > `))) continue
    if (other === undefined) breaking.push(`- ${fact}: ${value}`)
    else if (other !== value) (mayGrow(fact) && hasGrown(value, other) ? added : breaking).push(`~ ${fact}: ${value} -> ${other}`)
  }
  for (const [fact, value] of now) {
    if (old.has(fact)) continue
    ;(isNewDuty(fact, value, old) ? breaking : added).push(`+ ${fact}: ${value}`)
  }
  return {breaking, added}
}

function hasGrown(before, after) {
  const [a, b] = [JSON.parse(before), JSON.parse(after)]
  return Array.isArray(a) && Array.isArray(b) && a.every((value) => b.includes(value))
}

/** Values that are taken; not what is refused beside what. */
const mayGrow = (fact) => /(?: > options| > aliases)$/.test(fact)

function isNewDuty(fact, value, old) {
  const parts = fact.split(' > ')
  if (WRITTEN_BY_PLUGINS.test(fact)) return !/^(?:readonly )?\w+\?/.test(parts[3] ?? '') && [...old.keys()].some((key) => key.startsWith(parts.slice(0, 3).join(' > ')))
  if (parts[0] !== 'commands') return false
  if (['dependsOn', 'exclusive', 'options'].includes(parts.at(-1))) return [...old.keys()].some((key) => key.startsWith(`${parts.slice(0, -1).join(' > ')} > `))
  if (parts.at(-1) !== 'required' || value !== 'true') return false
  const command = `${parts.slice(0, 2).join(' > ')} > `
  return [...old.keys()].some((key) => key.startsWith(command))
}

export function report({added, breaking}) {
  const part = (title, lines) => (lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)])
  return [
    'the public surface is not what docs/surface.json says:',
    ...part('breaking (docs/plugins.md says when that is allowed; a changed contract of plugins wants another PROVIDER_API_VERSION):', breaking),
    ...part('added:', added),
    'If it is meant: npm run surface, an entry in CHANGELOG.md, and commit both.',
  ].join('\n')
}
