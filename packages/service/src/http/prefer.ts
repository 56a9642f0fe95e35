/** Whether a `Prefer` header asks for an answer at once (RFC 7240). */
export const prefersAsync = (header: string | readonly string[] | undefined): boolean =>
  /\brespond-async\b/i.test(String(header ?? ""));
