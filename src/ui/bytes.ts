import prettyBytes from 'pretty-bytes'

/** A size for people: `52.4 MB`; `-` where it is not known. */
export function formatBytes(bytes: number | null): string {
  return bytes === null ? '-' : prettyBytes(bytes)
}

/** Memory, in binary units as machines are sold with: `15.6 GiB`. */
export function formatMemory(bytes: number | null): string {
  return bytes === null ? '-' : prettyBytes(bytes, {binary: true})
}
