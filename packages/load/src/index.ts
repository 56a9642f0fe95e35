export type { Driver, DriverSession, StepEvent, StepOutcome, TokenKind, TokenUsage } from "./drivers/driver.ts";
export type { Iteration, PreparedUser, VirtualUser, Workload } from "./engine/virtual-user.ts";
export type {
  BodyChunkHandler,
  HttpClient,
  HttpFailure,
  HttpRequest,
  HttpResponse,
  HttpTimings,
} from "./http/exchange.ts";
export type { Metric, MetricDefinition, MetricKind, MetricRecorder, TagSet, Tags } from "./metrics/recorder.ts";
export { type HttpErrorCode, httpErrors } from "./http/errors.ts";
export { Exchange, type ExchangeOptions } from "./http/exchange-record.ts";
export { errorCodeOfStatus, failureCodes } from "./http/failure.ts";
export { HttpEngine, PooledHttpClient } from "./http/http-client.ts";
export { type HttpOptions, httpDefaults, type ProxyOptions } from "./http/http-options.ts";
export type { DnsOptions, Lookup } from "./http/dns-cache.ts";
export { PreparedRequest } from "./http/prepared-request.ts";
export type { ClientCertificate, TlsOptions } from "./http/tls-options.ts";
export {
  EventStreamParser,
  type EventStreamHandlers,
  type EventStreamLimits,
  eventStreamLimitDefaults,
  type ServerSentEvent,
} from "./sse/event-stream-parser.ts";
export { CookieJar, type Cookie, type CookieAttributes } from "./http/cookie-jar.ts";
export type { ContentCoding } from "./http/content-coding.ts";
export type { Credentials } from "./http/digest-authentication.ts";
export {
  exchangeAll,
  type Hop,
  type SessionOptions,
  type SessionOutcome,
  sessionDefaults,
} from "./http/http-session.ts";
export { type FormPart, multipartBody } from "./http/multipart.ts";
export { compressBody } from "./http/request-compression.ts";
export {
  openWebSocket,
  WebSocketConnection,
  type WebSocketEnd,
  type WebSocketHandlers,
  type WebSocketHandshake,
  type WebSocketRequest,
} from "./websocket/websocket-connection.ts";
