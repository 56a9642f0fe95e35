/** What a response says, told slowly and from its whole text: the oracle of the incremental parser. */
export interface ReadResponse {
  status: number;
  headers: (readonly [string, string])[];
  body: string;
  complete: boolean;
  keepAlive: boolean;
}

export interface ReadResponses {
  responses: ReadResponse[];
  malformed: boolean;
  /** The input ends within a head, of which it is left open when a mistake must be seen. */
  openHead?: boolean;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// eslint-disable-next-line no-control-regex
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

class Malformed extends Error {}

function need(condition: boolean): asserts condition {
  if (!condition) throw new Malformed();
}

/**
 * @param input - Latin-1; all that the server sends before it ends the connection
 * @param withoutBody - of each request in turn
 */
export function readResponses(input: string, withoutBody: readonly boolean[]): ReadResponses {
  const responses: ReadResponse[] = [];
  let rest = input;
  try {
    for (const bodyless of withoutBody) {
      const result = readOne(rest, bodyless, responses);
      if (!result) return { responses, malformed: false, openHead: true };
      responses.push(result.response);
      ({ rest } = result);
      if (!result.response.complete) break;
    }
  } catch (error) {
    if (error instanceof Malformed) return { responses, malformed: true };
    throw error;
  }
  return { responses, malformed: false };
}

function readOne(
  input: string,
  bodyless: boolean,
  sofar: ReadResponse[],
): { response: ReadResponse; rest: string } | undefined {
  let text = input;
  for (;;) {
    const head = readHead(text);
    if (!head) return undefined;
    const values = (name: string): string[] =>
      head.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
    const words = (name: string): string[] =>
      values(name).flatMap((value) =>
        value
          .toLowerCase()
          .split(",")
          .map((word) => word.trim()),
      );
    const lengths = words("content-length");
    need(lengths.every((length) => /^\d+$/.test(length) && Number(length) <= Number.MAX_SAFE_INTEGER));
    need(new Set(lengths.map(Number)).size <= 1);
    if (head.status < 200 && head.status !== 101) {
      text = head.rest;
      continue;
    }
    const connection = words("connection");
    const codings = words("transfer-encoding").filter((word) => word !== "");
    let keepAlive = head.minor === 0 ? connection.includes("keep-alive") : !connection.includes("close");
    const response = { status: head.status, headers: head.headers, body: "", complete: true, keepAlive };
    if (bodyless || [101, 204, 304].includes(head.status)) return { response, rest: head.rest };
    if (values("transfer-encoding").length > 0 && codings.at(-1) === "chunked") {
      if (lengths.length > 0) keepAlive = false;
      // What came before a mistake was handed out already.
      try {
        const { body, rest } = readChunks(head.rest);
        return { response: { ...response, body, keepAlive, complete: rest !== undefined }, rest: rest ?? "" };
      } catch (error) {
        if (error instanceof ChunkProblem) {
          sofar.push({ ...response, body: error.body, keepAlive, complete: false });
          throw new Malformed();
        }
        throw error;
      }
    }
    if (values("transfer-encoding").length === 0 && lengths.length > 0) {
      const length = Number(lengths[0]);
      const body = head.rest.slice(0, length);
      return { response: { ...response, body, complete: body.length === length }, rest: head.rest.slice(length) };
    }
    return { response: { ...response, body: head.rest, keepAlive: false }, rest: "" };
  }
}

function readHead(
  input: string,
): { minor: number; status: number; headers: [string, string][]; rest: string } | undefined {
  const start = /^[\r\n]*/.exec(input)![0].length;
  const lines: string[] = [];
  let at = start;
  let ended = false;
  while (!ended) {
    const end = input.indexOf("\n", at);
    const raw = input.slice(at, end < 0 ? undefined : end);
    if (end < 0) {
      partialLineIsFine(raw, lines.length);
      return undefined;
    }
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    at = end + 1;
    if (lines.length === 0) statusLine(line);
    else if (line !== "") need(lines.length > 1 && /^[ \t]/.test(line) ? fieldValue.test(line) : isField(line));
    if (line === "" && lines.length > 0) ended = true;
    else lines.push(line);
  }
  const [minor, status] = statusLine(lines[0]!);
  const headers: [string, string][] = [];
  const framing = /^(content-length|connection|transfer-encoding)$/i;
  for (const line of lines.slice(1)) {
    if (/^[ \t]/.test(line)) {
      const last = headers.at(-1)!;
      need(!framing.test(last[0]));
      last[1] = `${last[1]} ${line.trim()}`.trim();
    } else {
      const colon = line.indexOf(":");
      headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
  }
  return { minor, status, headers, rest: input.slice(at) };
}

function isField(line: string): boolean {
  const colon = line.indexOf(":");
  return colon > 0 && token.test(line.slice(0, colon)) && fieldValue.test(line.slice(colon + 1));
}

function statusLine(line: string): [minor: number, status: number] {
  const match = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: ([\s\S]*))?$/.exec(line);
  need(match !== null && fieldValue.test(match[3] ?? ""));
  return [Number(match[1]), Number(match[2])];
}

/** A line without its end: could anything that follows make it right? */
function partialLineIsFine(raw: string, lineNumber: number): void {
  const line = raw.replace(/\r$/, "");
  if (lineNumber === 0) {
    const prefix = "HTTP/1.";
    need(line.slice(0, 7) === prefix.slice(0, line.length));
    if (raw.length > 12) need(/^HTTP\/1\.\d [1-9]\d\d( |$)/.test(line) && fieldValue.test(line.slice(12)));
    return;
  }
  if (raw === "" || raw === "\r") return;
  if (/^[ \t]/.test(line)) need(lineNumber > 1 && fieldValue.test(line));
  else if (line.includes(":")) need(isField(line));
  else need(token.test(raw));
}

class ChunkProblem extends Error {
  readonly body: string;
  constructor(body: string) {
    super();
    this.body = body;
  }
}

function readChunks(input: string): { body: string; rest: string | undefined } {
  let rest = input;
  let body = "";
  for (;;) {
    const line = /^([0-9a-f]+)([ \t]*)(;[^\r\n]*)?\r\n/i.exec(rest);
    if (!line) {
      if (/^([0-9a-f]+[ \t]*(;[^\r\n]*)?\r?)?$/i.test(rest) && Number.parseInt(rest, 16) > Number.MAX_SAFE_INTEGER) {
        throw new ChunkProblem(body);
      }
      if (/^([0-9a-f]+[ \t]*(;[^\r\n]*)?\r?)?$/i.test(rest)) return { body, rest: undefined };
      throw new ChunkProblem(body);
    }
    const size = Number.parseInt(line[1]!, 16);
    if (size > Number.MAX_SAFE_INTEGER) throw new ChunkProblem(body);
    rest = rest.slice(line[0].length);
    if (size === 0) return { body, rest: afterTrailers(rest, body) };
    body += rest.slice(0, size);
    rest = rest.slice(size);
    const end = rest.slice(0, 2);
    if (end !== "\r\n".slice(0, end.length)) throw new ChunkProblem(body);
    if (end.length < 2) return { body, rest: undefined };
    rest = rest.slice(2);
  }
}

function afterTrailers(input: string, body: string): string | undefined {
  let rest = input;
  for (;;) {
    if (rest.startsWith("\r\n")) return rest.slice(2);
    if (rest === "" || rest === "\r") return undefined;
    if (rest.startsWith("\r") || rest.startsWith("\n")) throw new ChunkProblem(body);
    const end = rest.indexOf("\n");
    if (end < 0) return undefined;
    rest = rest.slice(end + 1);
  }
}
