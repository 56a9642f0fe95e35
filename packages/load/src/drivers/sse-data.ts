const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** Longest line and longest event kept; a server that sends more is broken or hostile. */
const LONGEST = 16 * 2 ** 20;

/**
 * Data of server-sent events as bytes arrive, split anywhere: `data` lines joined by newlines, and the event's name. Ids and
 * retry times are for those who reconnect, which a load test must not. Hot: once a chunk of every stream.
 */
export class SseData {
  readonly #onData: (data: string, event: string, at: number) => void;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The unfinished line. */
  #rest = "";
  #data = "";
  #hasData = false;
  #event = "";
  #first = true;
  #afterReturn = false;
  #overflowed = false;

  /** @param onData - called for every event that has data; `event` is empty where the stream names none */
  constructor(onData: (data: string, event: string, at: number) => void) {
    this.#onData = onData;
  }

  /** An event or a line beyond 16 MiB came: the rest of the stream is not read. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  push(chunk: Uint8Array, at: number): void {
    if (this.#overflowed) return;
    let text = this.#decoder.decode(chunk, { stream: true });
    if (this.#first && text !== "") {
      this.#first = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    // The line feed of a CR LF that was split between chunks is no second line.
    if (this.#afterReturn && text.charCodeAt(0) === LINE_FEED) text = text.slice(1);
    if (text === "") return;
    this.#afterReturn = text.charCodeAt(text.length - 1) === CARRIAGE_RETURN;
    this.#lines(text, at);
    if (this.#rest.length + this.#data.length > LONGEST) {
      this.#overflowed = true;
      this.#rest = "";
      this.#data = "";
    }
  }

  #lines(text: string, at: number): void {
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code !== LINE_FEED && code !== CARRIAGE_RETURN) continue;
      const line = this.#rest === "" ? text.slice(start, i) : this.#rest + text.slice(start, i);
      this.#rest = "";
      if (code === CARRIAGE_RETURN && text.charCodeAt(i + 1) === LINE_FEED) i++;
      start = i + 1;
      this.#line(line, at);
    }
    this.#rest += text.slice(start);
  }

  #line(line: string, at: number): void {
    if (line === "") {
      if (this.#hasData) this.#onData(this.#data, this.#event, at);
      this.#data = "";
      this.#hasData = false;
      this.#event = "";
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
    if (field === "data") {
      this.#data = this.#hasData ? `${this.#data}\n${value}` : value;
      this.#hasData = true;
    } else if (field === "event") this.#event = value;
  }
}
