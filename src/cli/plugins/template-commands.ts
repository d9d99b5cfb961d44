import {platformCommands} from '../platform-commands.js'
import {NAME_IN_TEMPLATE} from './verb-template.js'

/** What scripts/write-platform-verbs.mjs has oclif look through, as the commands of a plugin. */
export const templateCommands = platformCommands(NAME_IN_TEMPLATE)
