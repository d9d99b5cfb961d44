const tell = async ({instance, note, platform}) => note(`the plugin saw ${instance.id} on ${platform}`)

export default tell
