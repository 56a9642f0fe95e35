import { errorCodeOfStatus } from "../http/failure.ts";
import { builtIn } from "../metrics/built-in.ts";
import { countedAsLast, type NotedKind, notedKind, noteFailure, noteSlow } from "../metrics/noted-kind.ts";
import type { Metric, MetricRecorder, TagSet, Tags } from "../metrics/recorder.ts";

/** What became of an exchange, as far as metrics need it. */
export interface ExchangeOutcome {
  readonly status: number;
  readonly protocol: string;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly failure?: { readonly code: number; readonly message: string } | undefined;
  readonly tls?: { readonly version: string } | undefined;
}

/** In ms; `blocked` holds lookup, connecting and TLS. */
export interface ExchangeTimes {
  readonly startedAt: number;
  readonly blocked: number;
  readonly lookingUp?: number;
  readonly connecting: number;
  readonly tlsHandshaking: number;
  readonly sending: number;
  readonly waiting: number;
  readonly receiving: number;
  readonly duration: number;
}

/** The tags of one kind of request, with a tag set for each thing that can become of it. */
export interface RequestTags extends NotedKind {
  readonly tags: Tags;
  readonly byOutcome: Map<string, TagSet>;
  /** What became of the last one, which is what becomes of the next, most often. */
  last:
    | { readonly status: number; readonly protocol: string; readonly expected: boolean; readonly set: TagSet }
    | undefined;
}

export const requestTags = (tags: Tags): RequestTags => ({
  tags,
  byOutcome: new Map(),
  last: undefined,
  ...notedKind(),
});

/** Kinds of request that are remembered; a script that makes up names without end starts over. */
const MOST_KINDS = 1000;

/** k6's default: what HTTP calls an error, and no answer at all, has failed. */
export const isExpected = (status: number): boolean => status >= 200 && status < 400;

/** Records HTTP exchanges under k6's names. One a worker. */
export class HttpMetrics {
  readonly #recorder: MetricRecorder;
  readonly #requests: Metric;
  readonly #failed: Metric;
  readonly #duration: Metric;
  readonly #responseTime: Metric;
  readonly #blocked: Metric;
  readonly #connecting: Metric;
  readonly #tls: Metric;
  readonly #sending: Metric;
  readonly #waiting: Metric;
  readonly #receiving: Metric;
  readonly #dataSent: Metric;
  readonly #dataReceived: Metric;
  readonly #kinds = new WeakMap<Tags, Map<string, RequestTags>>();

  constructor(recorder: MetricRecorder) {
    this.#recorder = recorder;
    this.#requests = recorder.metric(builtIn.httpRequests);
    this.#duration = recorder.metric(builtIn.httpDuration);
    this.#responseTime = recorder.metric(builtIn.httpResponseTime);
    this.#blocked = recorder.metric(builtIn.httpBlocked);
    this.#connecting = recorder.metric(builtIn.httpConnecting);
    this.#tls = recorder.metric(builtIn.httpTls);
    this.#sending = recorder.metric(builtIn.httpSending);
    this.#waiting = recorder.metric(builtIn.httpWaiting);
    this.#receiving = recorder.metric(builtIn.httpReceiving);
    this.#failed = recorder.metric(builtIn.httpFailed);
    this.#dataSent = recorder.metric(builtIn.dataSent);
    this.#dataReceived = recorder.metric(builtIn.dataReceived);
  }

  /**
   * Records one exchange. Hot: once a request.
   *
   * @param dueAt - when it was scheduled, on the clock of the times; NaN where nothing was
   * @param expected - whether the status is one that the author expects
   */
  record(outcome: ExchangeOutcome, times: ExchangeTimes, request: RequestTags, dueAt: number, expected: boolean): void {
    const tags = this.#tagSetOf(outcome, request, expected);
    const { startedAt, blocked, duration } = times;
    this.#requests.add(1, tags);
    this.#failed.add(expected ? 0 : 1, tags);
    this.#duration.add(duration, tags);
    const responseTime = blocked + duration + (dueAt === dueAt ? Math.max(0, startedAt - dueAt) : 0);
    this.#responseTime.add(responseTime, tags);
    if (responseTime > request.slowAbove) this.#keepSlow(responseTime, outcome, times, request);
    if (!expected) this.#countFailure(outcome, times, request);
    this.#blocked.add(blocked, tags);
    this.#connecting.add(times.connecting, tags);
    this.#tls.add(times.tlsHandshaking, tags);
    this.#sending.add(times.sending, tags);
    this.#waiting.add(times.waiting, tags);
    this.#receiving.add(times.receiving, tags);
    this.#dataSent.add(outcome.bytesSent, tags);
    this.#dataReceived.add(outcome.bytesReceived, tags);
  }

  /** Rare: each time some request is slower than all but the slowest few before it. */
  #keepSlow(responseTime: number, outcome: ExchangeOutcome, times: ExchangeTimes, request: RequestTags): void {
    const { startedAt, blocked, duration, lookingUp = 0, connecting, tlsHandshaking } = times;
    const late = Math.max(0, responseTime - blocked - duration);
    const parts: readonly (readonly [string, number])[] = [
      ["late", late],
      ["lookup", lookingUp],
      ["connect", connecting],
      ["tls", tlsHandshaking],
      ["queue", Math.max(0, blocked - lookingUp - connecting - tlsHandshaking)],
      ["send", times.sending],
      ["wait", times.waiting],
      ["receive", times.receiving],
    ];
    noteSlow(this.#recorder.book, request, request.tags, {
      at: startedAt - late,
      value: responseTime,
      phases: parts.filter(([, ms]) => ms > 0),
      label: labelOf(outcome, request),
    });
  }

  /** Once a failed request. */
  #countFailure(outcome: ExchangeOutcome, times: ExchangeTimes, request: RequestTags): void {
    const failure = outcome.failure?.message ?? `status ${outcome.status}`;
    if (countedAsLast(request, failure)) return;
    const [at, label] = [times.startedAt, labelOf(outcome, request)];
    noteFailure(this.#recorder.book, request, request.tags, { failure, at, label });
  }

  /** The tags of one kind of request under others, made once: users of a scenario share them. */
  kindOf(around: Tags, key: string, own: () => Tags): RequestTags {
    let kinds = this.#kinds.get(around);
    if (!kinds || kinds.size > MOST_KINDS) {
      kinds = new Map();
      this.#kinds.set(around, kinds);
    }
    const known = kinds.get(key);
    if (known) return known;
    const made = requestTags({ ...around, ...own() });
    kinds.set(key, made);
    return made;
  }

  /** Hot. */
  #tagSetOf(outcome: ExchangeOutcome, request: RequestTags, expected: boolean): TagSet {
    const { status, protocol, failure } = outcome;
    const { last } = request;
    if (
      last !== undefined &&
      failure === undefined &&
      last.status === status &&
      last.protocol === protocol &&
      last.expected === expected
    ) {
      return last.set;
    }
    const set = this.#tagSetByOutcome(outcome, request, expected);
    if (failure === undefined) request.last = { status, protocol, expected, set };
    return set;
  }

  #tagSetByOutcome(outcome: ExchangeOutcome, request: RequestTags, expected: boolean): TagSet {
    const { status, protocol, failure } = outcome;
    const key = failure ? `${failure.code}` : expected ? `${status}+${protocol}` : `${status}-${protocol}`;
    const known = request.byOutcome.get(key);
    if (known !== undefined) return known;
    const code = failure?.code ?? errorCodeOfStatus(status);
    const tags: Record<string, string> = {
      ...request.tags,
      status: String(status),
      expected_response: String(expected),
    };
    if (protocol !== "") tags["proto"] = protocol;
    if (code !== undefined) tags["error_code"] = String(code);
    if (failure) tags["error"] = failure.message;
    if (outcome.tls) tags["tls_version"] = outcome.tls.version;
    const set = this.#recorder.tagSet(tags);
    request.byOutcome.set(key, set);
    return set;
  }
}

/** `POST http://host/path → 503`, or why there was no answer. */
function labelOf({ status, failure }: ExchangeOutcome, { tags }: RequestTags): string {
  const { method = "", url = tags["name"] ?? "" } = tags;
  return `${method} ${url} → ${failure?.message ?? status}`.trim();
}
