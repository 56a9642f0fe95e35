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
export { type LoadErrorCode, loadErrors } from "./engine/errors.ts";
export type { ErrorEntry } from "./engine/error-book.ts";
export type { Duration, LoadOptions, ScenarioOptions, StageOptions } from "./engine/load-options.ts";
export type { LoadOutput } from "./engine/load-output.ts";
export type { LoadSnapshot, ScenarioProgress } from "./engine/load-snapshot.ts";
export type { LoadSource, LoadTest, LoadTestFactory } from "./engine/load-test.ts";
export { importLoadTest } from "./engine/import-load-test.ts";
export type { Punctuality } from "./engine/precise-timer.ts";
export { type LoadPlan, resolvePlan } from "./engine/resolve-plan.ts";
export { type LoadResult, runLoad, type RunLoadOptions } from "./engine/run-load.ts";
export { builtIn } from "./metrics/built-in.ts";
export type { Submetric } from "./metrics/worker-recorder.ts";
export { HttpMetrics, isExpected, type RequestTags, requestTags } from "./scenario/http-metrics.ts";
export { type UrlLoadParameters, urlLoad } from "./scenario/url-load.ts";
export {
  type DefinedLoad,
  defineLoad,
  type HttpDefaults,
  type LoadDefinition,
  type ScenarioDefinition,
  type UserFunction,
} from "./scenario/define-load.ts";
export type { LoadUser, Predicates } from "./scenario/load-user.ts";
export type { LoadResponse, RequestBody, RequestOptions, UserHttp } from "./scenario/user-http.ts";
export type { UserMetric } from "./scenario/user-metric.ts";
export { type ScriptParameters, scriptLoad } from "./scenario/script-source.ts";
export {
  EventStreamParser,
  type EventStreamHandlers,
  type EventStreamLimits,
  eventStreamLimitDefaults,
  type ServerSentEvent,
} from "./sse/event-stream-parser.ts";
