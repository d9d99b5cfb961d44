import {stopCommand} from '../../cli/verbs/end.js'

export default stopCommand('aws')
