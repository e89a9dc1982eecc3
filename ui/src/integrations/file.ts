/** Bytes of a file as text (RFC 4648, section 4). */

/** Bytes that become characters at once: more arguments than this a call may refuse. */
const CHUNK = 0x8000;

export function base64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(binary);
}
