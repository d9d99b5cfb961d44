import {oneShotCommand} from '../../cli/verbs/one-shot.js'

export default oneShotCommand('aws')
