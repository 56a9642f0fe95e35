import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, ms, systemClock, timeOrderedId } from "@mettle/core";
import { moduleAt } from "../server/modules.ts";
import { answerPage, refuse, WebServer, type WebServerOptions } from "../server/web-server.ts";
import { liveDocument, livePolicy } from "./live-document.ts";
import { LiveModel } from "./live-model.ts";
import type { LiveAbout, LiveMoment } from "./moment.ts";
import { FrameWriter, type LiveFrame, type LiveStart, type LiveTick } from "./wire.ts";

export interface LiveServerOptions extends WebServerOptions {
  /** Seconds kept for viewers who come late or come back. @defaultValue 900 */
  readonly keptSeconds?: number;
  /** Viewers at once; whoever comes after them is asked to wait. @defaultValue 64 */
  readonly mostViewers?: number;
  /** How long the end waits for viewers to fetch the report, ms. @defaultValue 3000 */
  readonly lingerMs?: number;
  readonly clock?: Clock;
}

/** Bytes that wait for a viewer who does not read: he then misses seconds, and nobody waits for him. */
const MOST_WAITING_BYTES = 256 * 1024;
const RETRY_MS = 1000;

interface Viewer {
  readonly response: ServerResponse;
  /** Missed something: gets a new start when he reads again. */
  isBehind: boolean;
}

/**
 * The live page of one load test. Costs the run one serialization a second, however many look on: each viewer is sent the
 * same bytes. At the end the page becomes the report.
 */
export class LiveServer implements AsyncDisposable {
  #web: WebServer | undefined;
  readonly #about: LiveAbout;
  readonly #keptSeconds: number;
  readonly #mostViewers: number;
  readonly #lingerMs: number;
  readonly #clock: Clock;
  /** Of this run: numbers of another one mean nothing here. */
  readonly #id: string = timeOrderedId();
  readonly #writer = new FrameWriter();
  readonly #model = new LiveModel();
  readonly #viewers = new Set<Viewer>();
  #ticks: LiveTick[] = [];
  #latest: { readonly moment: LiveMoment; readonly frame: LiveFrame } | undefined;
  #report: string | undefined;
  #fetched: (() => void) | undefined;

  private constructor(about: LiveAbout, options: LiveServerOptions) {
    this.#about = about;
    this.#keptSeconds = options.keptSeconds ?? 900;
    this.#mostViewers = options.mostViewers ?? 64;
    this.#lingerMs = options.lingerMs ?? 3000;
    this.#clock = options.clock ?? systemClock;
    this.#model.start(this.#start());
  }

  /** @throws MettleError `DASHBOARD_ADDRESS_TAKEN` */
  static async listen(about: LiveAbout, options: LiveServerOptions): Promise<LiveServer> {
    const made = new LiveServer(about, options);
    made.#web = await WebServer.listen(options, (path, _query, response, request) => {
      made.#answer(path, response, request);
    });
    return made;
  }

  get url(): string {
    return this.#web?.url ?? "";
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Tells everybody how the test stands. */
  update(moment: LiveMoment): void {
    const frame = this.#writer.frame(moment);
    this.#model.frame(frame);
    this.#latest = { moment, frame };
    const { seq, atMs, second, slots, spending } = frame;
    this.#ticks.push({ seq, atMs, second, slots, ...(spending && { spending }) });
    if (this.#ticks.length > this.#keptSeconds) this.#ticks.shift();
    const text = eventText("frame", this.#eventId(seq), frame);
    for (const viewer of this.#viewers) this.#send(viewer, text);
  }

  /**
   * The run is over. Viewers are shown the report in place of the page; this waits for those who are there to fetch it, not
   * for long. May be called once; close the server afterwards.
   *
   * @param report - the whole page; undefined where none could be made
   */
  async finish(report: string | undefined): Promise<void> {
    this.#report = report;
    const waiting = this.#viewers.size;
    const text = eventText("end", undefined, { report: report !== undefined });
    for (const { response } of this.#viewers) response.write(text);
    if (report === undefined || waiting === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = waiting;
    this.#fetched = () => {
      left -= 1;
      if (left <= 0) resolve();
    };
    const timer = new AbortController();
    const late = this.#clock.sleep(ms(this.#lingerMs), timer.signal).then(resolve, () => undefined);
    await promise;
    timer.abort();
    await late;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#web?.[Symbol.asyncDispose]();
  }

  #answer(path: string, response: ServerResponse, request: IncomingMessage): void {
    if (path === "/") this.#answerPage(response);
    else if (path === "/events") this.#watch(request, response);
    else if (path === "/report") this.#answerReport(response);
    else {
      const content = moduleAt(path);
      if (content) response.writeHead(200, { "Content-Type": "text/javascript; charset=utf-8" }).end(content);
      else refuse(response, 404, "There is no such page here.");
    }
  }

  #answerPage(response: ServerResponse): void {
    response.setHeader("Content-Security-Policy", livePolicy());
    answerPage(response, liveDocument(this.#model));
  }

  #answerReport(response: ServerResponse): void {
    if (this.#report === undefined) {
      refuse(response, 404, "The report is made when the run has ended.");
      return;
    }
    // The connection ends with it: only then has everything left this process.
    response.setHeader("Connection", "close");
    response.once("close", () => this.#fetched?.());
    answerPage(response, this.#report);
  }

  #watch(request: IncomingMessage, response: ServerResponse): void {
    if (this.#viewers.size >= this.#mostViewers) {
      response.setHeader("Retry-After", "5");
      refuse(response, 503, `${this.#mostViewers} viewers are looking on already.`);
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" });
    const viewer: Viewer = { response, isBehind: false };
    this.#viewers.add(viewer);
    response.once("close", () => this.#viewers.delete(viewer));
    response.write(`retry: ${RETRY_MS}\n\n`);
    response.write(this.#beginning(request.headers["last-event-id"]));
  }

  /** What brings a viewer up to date: what he missed where it is kept, else everything that is. */
  #beginning(lastEventId: string | string[] | undefined): string {
    const seen = this.#seenBy(String(lastEventId ?? ""));
    return eventText("start", this.#lastId(), this.#start(seen));
  }

  #start(seen: number = 0): LiveStart {
    const latest = this.#latest;
    return {
      about: this.#about,
      ticks: this.#ticks.filter(({ seq }) => seq > seen),
      recent: latest ? this.#writer.recent(latest.moment) : [],
      ...(latest && { standing: latest.frame.standing }),
      texts: this.#writer.texts,
    };
  }

  #seenBy(id: string): number {
    const [run, seq] = id.split("/");
    return run === this.#id && seq !== undefined && /^\d+$/.test(seq) ? Number(seq) : 0;
  }

  #eventId(seq: number): string {
    return `${this.#id}/${seq}`;
  }

  #lastId(): string | undefined {
    return this.#latest && this.#eventId(this.#latest.frame.seq);
  }

  #send(viewer: Viewer, text: string): void {
    const { response } = viewer;
    if (response.writableLength > MOST_WAITING_BYTES) {
      viewer.isBehind = true;
      return;
    }
    // Whoever missed something learns the texts and ticks of it first: the ticks that are still kept, that is.
    response.write(viewer.isBehind ? eventText("start", this.#lastId(), this.#start()) : text);
    viewer.isBehind = false;
  }
}

function eventText(event: string, id: string | undefined, data: unknown): string {
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
