const defaultPorts: Readonly<Record<string, string>> = { http: "80", https: "443" };

/**
 * An http or https URI in the one spelling of RFC 3986 section 6.2.2 (syntax) and 6.2.3 (scheme), without query and fragment: lower-case
 * scheme and host, no default port, no escape of an unreserved character, upper-case escapes, no dot segments. Undefined for what is
 * no such URI, or names a user.
 *
 * @example normalizeUri("HTTPS://Keys.Example:443/a/../%76%31?x#y") // "https://keys.example/v1"
 */
export function normalizeUri(text: string): string | undefined {
  if (!/^[\w\-.~:/?#[\]!$&'()*+,;=%]*$/u.test(text) || /%(?![0-9a-f]{2})/iu.test(text)) return undefined;
  const [, rawScheme = "", host = "", port = "", path = ""] =
    /^(https?):\/\/(\[[0-9a-f:.]+\]|[^:/?#[\]]+)(?::([0-9]*))?(\/[^?#]*)?(?:\?[^#]*)?(?:#.*)?$/iu.exec(text) ?? [];
  if (host === "") return undefined;
  const scheme = rawScheme.toLowerCase();
  const authority = port === "" || port === defaultPorts[scheme] ? host : `${host}:${port}`;
  return `${scheme}://${normalizeEscapes(authority).toLowerCase()}${removeDotSegments(normalizeEscapes(path))}`;
}

function normalizeEscapes(text: string): string {
  return text.replace(/%[0-9a-f]{2}/giu, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9\-._~]/u.test(character) ? character : escape.toUpperCase();
  });
}

/** RFC 3986 section 5.2.4, of a path that is empty or begins with a slash. */
function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
    const isLast = index === segments.length - 1;
    if (isLast && (segment === "." || segment === "..")) kept.push("");
  }
  return `/${kept.join("/")}`;
}
