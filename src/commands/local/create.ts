import {createCommand} from '../../cli/verbs/create.js'

export default createCommand('local')
