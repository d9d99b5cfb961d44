const strict = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true})

/** A file name from its bytes. `name` is for people only where it is not valid UTF-8. */
export function decodeName(bytes: Uint8Array): {readonly name: string; readonly isValid: boolean} {
  try {
    return {name: strict.decode(bytes), isValid: true}
  } catch {
    return {name: Buffer.from(bytes).toString('latin1'), isValid: false}
  }
}
