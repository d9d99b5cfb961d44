import {CONFIG_KEY_NAMES, CONFIG_SECTIONS, definitionOf, environmentVariableOf, sectionAndName, type ConfigKey} from './keys.js'
import {tomlString, tomlValue} from './toml-text.js'

/** The file that `init` writes: every key with what it is for; all but the name are comments, so that defaults stay defaults. */
export function projectFileTemplate(projectName: string): string {
  const sections = CONFIG_SECTIONS.map(section => {
    const keys = CONFIG_KEY_NAMES.filter(key => sectionAndName(key)[0] === section)
    return [`[${section}]`, ...keys.map(key => keyLines(key, projectName))].join('\n')
  })
  const head = '# runctl: how this project is trained.\n# A value that is commented out is the default, or an example where there is none.'
  return `${[head, ...sections].join('\n\n')}\n`
}

function keyLines(key: ConfigKey, projectName: string): string {
  const [, name] = sectionAndName(key)
  const definition = definitionOf(key)
  const variable = environmentVariableOf(key)
  const choices = definition.type === 'choice' ? ` One of ${definition.choices.join(', ')}.` : ''
  const about = `# ${definition.description}${choices}${variable === null ? '' : ` (${variable})`}`
  if (definition.type === 'name') return `${about}\n${name} = ${tomlString(projectName)}`
  const value = definition.example ?? (definition.default === null ? '""' : tomlValue(definition.default))
  return `${about}\n# ${name} = ${value}`
}
