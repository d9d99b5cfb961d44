/**
 * A run that was followed has ended. A step is given all that it needs; what waits takes `signal`, so that it ends when its time is over.
 * @type {import('runctl').RunctlHook<'posttrain'>}
 */
const tellHowItEnded = async ({instance, note, run, settings}) => {
  const greeting = settings['shed']?.['greeting'] ?? 'the run has ended'
  note(`${greeting}: ${run.script} on ${instance.id}, ${run.reason}`)
}

export default tellHowItEnded
