const refuseTheRoof = async ({platform, request}) => {
  if (platform === 'shed' && request.options?.shelf === 'roof') throw new Error('nothing is put on the roof')
}

export default refuseTheRoof
