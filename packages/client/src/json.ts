/** The value of JSON text, or undefined for text that is none: a schema says the rest. */
export function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
