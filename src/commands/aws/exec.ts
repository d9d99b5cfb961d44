import {execCommandFor} from '../../cli/verbs/exec.js'

export default execCommandFor('aws')
