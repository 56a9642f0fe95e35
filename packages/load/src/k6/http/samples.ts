import type { HttpResponse } from "../../http/exchange.ts";
import { errorCodeOfStatus } from "../../http/failure.ts";
import { builtIn } from "../../metrics/built-in.ts";
import { countedAsLast, type NotedKind, notedKind, noteFailure, noteSlow } from "../../metrics/noted-kind.ts";
import type { Metric, MetricRecorder, Tags, TagSet } from "../../metrics/recorder.ts";
import type { UserContext } from "../runtime/user-context.ts";
import type { RequestParams } from "./params.ts";
import { tlsVersionOf } from "./response.ts";
import type { Target } from "./target.ts";

/** What an exchange is recorded as. */
export interface Sampled {
  readonly method: string;
  readonly target: Target;
  /** Given by the script; else the address. */
  readonly name: string | undefined;
}

/** Metrics of HTTP in one recorder, looked up once and not for each sample. */
class HttpSamples {
  readonly requests: Metric;
  readonly duration: Metric;
  readonly blocked: Metric;
  readonly connecting: Metric;
  readonly tls: Metric;
  readonly sending: Metric;
  readonly waiting: Metric;
  readonly receiving: Metric;
  readonly failed: Metric;
  readonly dataSent: Metric;
  readonly dataReceived: Metric;
  /** By tag set, which an exchange has anyway: no look-up by address or name. */
  readonly #kinds: (NotedKind | undefined)[] = [];

  constructor(recorder: MetricRecorder) {
    this.requests = recorder.metric(builtIn.httpRequests);
    this.duration = recorder.metric(builtIn.httpDuration);
    this.blocked = recorder.metric(builtIn.httpBlocked);
    this.connecting = recorder.metric(builtIn.httpConnecting);
    this.tls = recorder.metric(builtIn.httpTls);
    this.sending = recorder.metric(builtIn.httpSending);
    this.waiting = recorder.metric(builtIn.httpWaiting);
    this.receiving = recorder.metric(builtIn.httpReceiving);
    this.failed = recorder.metric(builtIn.httpFailed);
    this.dataSent = recorder.metric(builtIn.dataSent);
    this.dataReceived = recorder.metric(builtIn.dataReceived);
  }

  /** Hot. */
  kindOf(set: TagSet): NotedKind {
    const known = this.#kinds[set];
    if (known !== undefined) return known;
    // Filled from the front, so that the array stays a dense one.
    while (this.#kinds.length < set) this.#kinds.push(undefined);
    return (this.#kinds[set] = notedKind());
  }
}

const samplesOf = new WeakMap<MetricRecorder, HttpSamples>();

/** Hot: the samples of one exchange. Nothing is recorded of a user that was cut off. */
export function recordExchange(
  context: UserContext,
  exchange: HttpResponse,
  sampled: Sampled,
  params: RequestParams,
): void {
  const { user } = context;
  if (!user || user.interrupted === true) return;
  let samples = samplesOf.get(user.recorder);
  if (!samples) {
    samples = new HttpSamples(user.recorder);
    samplesOf.set(user.recorder, samples);
  }
  const { status, timings } = exchange;
  const expected = params.expected === null ? undefined : status !== 0 && params.expected.includes(status);
  const tags = tagSetOf(context, exchange, sampled, expected, params);
  samples.requests.add(1, tags);
  samples.duration.add(timings.duration, tags);
  samples.blocked.add(timings.blocked, tags);
  samples.connecting.add(timings.connecting, tags);
  samples.tls.add(timings.tlsHandshaking, tags);
  samples.sending.add(timings.sending, tags);
  samples.waiting.add(timings.waiting, tags);
  samples.receiving.add(timings.receiving, tags);
  if (expected !== undefined) samples.failed.add(expected ? 0 : 1, tags);
  const kind = samples.kindOf(tags);
  if (timings.duration > kind.slowAbove) keepSlow(kind, context, exchange, sampled, params);
  if (expected === false) countFailure(kind, context, exchange, sampled, params);
  const base = context.ownTagSet();
  samples.dataSent.add(exchange.bytesSent, base);
  samples.dataReceived.add(exchange.bytesReceived, base);
}

/** Rare. As k6 times a request: from its first byte sent to the last one received, so that no wait comes before it. */
function keepSlow(
  kind: NotedKind,
  context: UserContext,
  exchange: HttpResponse,
  sampled: Sampled,
  params: RequestParams,
): void {
  const { startedAt, blocked, duration, sending, waiting, receiving } = exchange.timings;
  const parts: readonly (readonly [string, number])[] = [
    ["send", sending],
    ["wait", waiting],
    ["receive", receiving],
  ];
  noteSlow(context.user?.recorder.book, kind, operationOf(context, sampled, params), {
    at: startedAt + blocked,
    value: duration,
    phases: parts.filter(([, ms]) => ms > 0),
    label: labelOf(exchange, sampled),
  });
}

/** Once a failed request. */
function countFailure(
  kind: NotedKind,
  context: UserContext,
  exchange: HttpResponse,
  sampled: Sampled,
  params: RequestParams,
): void {
  const failure = exchange.failure?.message ?? `status ${exchange.status}`;
  if (countedAsLast(kind, failure)) return;
  const [at, label] = [exchange.timings.startedAt, labelOf(exchange, sampled)];
  noteFailure(context.user?.recorder.book, kind, operationOf(context, sampled, params), { failure, at, label });
}

/** The tags that its times are told apart by. */
const operationOf = ({ base }: UserContext, { target, name }: Sampled, { tags }: RequestParams): Tags => ({
  ...base.tags,
  name: name ?? target.clean,
  ...tags,
});

const labelOf = ({ status, failure }: HttpResponse, { method, target }: Sampled): string =>
  `${method} ${target.clean} → ${failure?.message ?? status}`;

/** Hot: usually that of the last exchange with this address. */
function tagSetOf(
  context: UserContext,
  exchange: HttpResponse,
  { method, target, name }: Sampled,
  expected: boolean | undefined,
  params: RequestParams,
): TagSet {
  const { base } = context;
  const { status, protocol, failure } = exchange;
  const { last } = target;
  const address = context.asksFor("ip") ? (exchange.remoteAddress ?? "") : "";
  const isPlain = params.tags === undefined && failure === undefined && address === "";
  if (
    isPlain &&
    last?.base === base &&
    last.status === status &&
    last.method === method &&
    last.name === name &&
    last.expected === expected &&
    last.protocol === protocol
  ) {
    return last.set;
  }
  const url = name ?? target.clean;
  const code = failure?.code ?? errorCodeOfStatus(status) ?? 0;
  const custom = params.tags === undefined ? "" : JSON.stringify(params.tags);
  const key = `${method} ${url}\0${status}\0${code}\0${expected}\0${protocol}\0${failure?.message ?? ""}\0${address}\0${custom}`;
  const set = context.tagSet(key, () => tagsOf(context, exchange, method, url, code, expected, params));
  if (isPlain) target.last = { base, method, name, status, protocol, expected, set };
  return set;
}

function tagsOf(
  context: UserContext,
  { status, protocol, tls, failure, remoteAddress }: HttpResponse,
  method: string,
  url: string,
  code: number,
  expected: boolean | undefined,
  params: RequestParams,
): Record<string, string> {
  const system: Record<string, string | undefined> = {
    proto: protocol === "" ? undefined : protocol,
    status: String(status),
    method,
    url,
    name: url,
    error: failure?.message,
    error_code: code === 0 ? undefined : String(code),
    tls_version: tls && tlsVersionOf(tls.version),
    expected_response: expected === undefined ? undefined : String(expected),
    ip: context.asksFor("ip") ? remoteAddress : undefined,
  };
  const tags: Record<string, string> = {};
  for (const [name, value] of Object.entries(system)) {
    if (value !== undefined && value !== "" && context.has(name)) tags[name] = value;
  }
  return { ...tags, ...params.tags };
}
