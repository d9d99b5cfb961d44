import {setupCommand} from '../../cli/verbs/setup.js'

export default setupCommand('aws')
