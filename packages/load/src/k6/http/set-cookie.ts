/** What one `Set-Cookie` header says, for a response's `cookies`. `expires` is ms since 1970. */
export interface ReceivedCookie {
  readonly name: string;
  readonly value: string;
  /** Empty where the header names none. */
  readonly domain: string;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly expires?: number;
  readonly maxAge?: number;
}

/** @returns undefined for a header that is malformed */
export function parseSetCookie(header: string, now: number = Date.now()): ReceivedCookie | undefined {
  const [pair = "", ...attributes] = header.split(";");
  const equals = pair.indexOf("=");
  if (equals < 1) return undefined;
  const options = new Map(
    attributes.map((attribute) => {
      const at = attribute.indexOf("=");
      return at < 0
        ? [attribute.trim().toLowerCase(), ""]
        : [attribute.slice(0, at).trim().toLowerCase(), attribute.slice(at + 1).trim()];
    }),
  );
  const maxAge = options.has("max-age") ? Number(options.get("max-age")) : Number.NaN;
  const date = Number.isNaN(maxAge) ? Date.parse(options.get("expires") ?? "") : now + maxAge * 1000;
  return {
    name: pair.slice(0, equals).trim(),
    value: pair
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, "$1"),
    domain: options.get("domain")?.replace(/^\./, "").toLowerCase() ?? "",
    path: options.get("path") ?? "",
    secure: options.has("secure"),
    httpOnly: options.has("httponly"),
    ...(!Number.isNaN(date) && { expires: date }),
    ...(!Number.isNaN(maxAge) && { maxAge }),
  };
}
