/** Ports the gateway may listen on. */
export const LOWEST = 1024;
export const HIGHEST = 65_535;

export function usablePort(text: string): boolean {
  return /^[0-9]{4,5}$/.test(text) && Number(text) >= LOWEST && Number(text) <= HIGHEST;
}

/** One to try where `port` is taken: well away from it, since programs that take a port often take the next as well. */
export function otherPort(port: number): number {
  const next = port + 100;
  return next <= HIGHEST ? next : LOWEST + 100;
}
