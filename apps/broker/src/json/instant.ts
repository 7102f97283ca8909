/** Milliseconds since the Unix epoch as RFC 3339 UTC with whole seconds: how every instant stands on the wire. */
export function instant(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
