import type { HttpRequest, HttpResponse } from "../../http/exchange.ts";

const headLines = (headers: HttpRequest["headers"] = []): string =>
  headers.map(([name, value]) => `${name}: ${value}\n`).join("");

const textOfBody = (body: string | Uint8Array | undefined): string =>
  body === undefined ? "" : typeof body === "string" ? body : `(${body.byteLength} bytes)`;

/** A request as `--http-debug` shows it, with its body for `full`. */
export function shownRequest({ method, url, headers, body }: HttpRequest, how: "headers" | "full"): string {
  const { host, pathname, search } = new URL(url);
  const head = `${method} ${pathname}${search} HTTP/1.1\nHost: ${host}\n${headLines(headers)}`;
  return `Request:\n${head}${how === "full" ? `\n${textOfBody(body)}\n` : ""}`;
}

/** An answer likewise; what failed says why. */
export function shownResponse(
  { status, statusText, protocol, headers, body, failure }: HttpResponse,
  how: "headers" | "full",
): string {
  if (failure) return `Response:\n${failure.message} (${failure.code})\n`;
  const head = `${protocol} ${status} ${statusText}`.trimEnd();
  return `Response:\n${head}\n${headLines(headers)}${how === "full" ? `\n${textOfBody(body)}\n` : ""}`;
}
