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

// Agents and streaming models: drivers, measures, sessions, traces, the mock model, converters.
export { a2a, type A2aDriverOptions, type A2aStep } from "./drivers/a2a.ts";
export { type DriverErrorCode, driverErrors } from "./drivers/errors.ts";
export type { HttpDriverOptions } from "./drivers/http-step.ts";
export { inProcess, type StepFunction, type StepReporter } from "./drivers/in-process.ts";
export { mcp, type McpDriverOptions, type McpStep, type McpVersion, mcpVersions } from "./drivers/mcp.ts";
export { type NatsDriverOptions, natsRequest, type NatsRequester, type NatsStep } from "./drivers/nats.ts";
export { type ChatMessage, type ChatStep, openAiChat, type OpenAiDriverOptions } from "./drivers/openai-chat.ts";
export { openAiResponses, type ResponsesStep } from "./drivers/openai-responses.ts";
export { agentMetrics, agentSessions, agentTask, type ScenarioUser } from "./agent/agent-scenario.ts";
export {
  AgentMetrics,
  type AgentMetricsOptions,
  type SessionRecord,
  type StepRecording,
} from "./agent/agent-metrics.ts";
export {
  actionWeights,
  generateActions,
  type UserAction,
  type UserBehaviourPattern,
  userBehaviourPatterns,
  type Weighted,
  WeightedChoice,
} from "./agent/behaviour.ts";
export { CostModel, infrastructureCostPerMillionTokens, type ModelPrice, type PriceList } from "./agent/cost.ts";
export { countSampler, type Distribution, type Sampler, samplerOf } from "./agent/distribution.ts";
export type { AgentDefaults } from "./agent/user-agents.ts";
export { modelApis, type ModelApi, modelLoad, type ModelLoadParameters } from "./agent/model-load.ts";
export { runFigures } from "./agent/run-figures.ts";
export {
  readTraceFile,
  type TraceFile,
  type TraceFileOptions,
  type TraceFormat,
  traceFormats,
} from "./traces/trace-file.ts";
export { convertedLoad, type ConvertedLoadParameters, loadOfScenario } from "./convert/converted-load.ts";
export { parseDistribution } from "./agent/distribution-text.ts";
export { type AgentErrorCode, workloadErrors } from "./agent/errors.ts";
export { ConcurrencyMeter, type Interval, peakConcurrency, unionLength } from "./agent/intervals.ts";
export {
  type RequestMetric,
  requestMetrics,
  type SessionMetric,
  sessionMetrics,
  type TaskMetric,
  taskMetrics,
} from "./agent/metric-names.ts";
export { checkObjectives, isGood, type RequestObjectives } from "./agent/objectives.ts";
export { PassTable, passPower } from "./agent/pass-power.ts";
export { derivedSeed } from "./agent/seed.ts";
export {
  SessionGenerator,
  type SessionProfile,
  sessionProfileDefaults,
  type SyntheticTurn,
} from "./agent/session-profile.ts";
export {
  type SessionWorkloadOptions,
  sessionWorkload,
  textOfTokens,
  type TurnContext,
} from "./agent/session-workload.ts";
export { type StepMeasures, StepMeter } from "./agent/step-measures.ts";
export { criticalPath, measureTask, type TaskMeasures, type TaskRecord, type TaskSpan } from "./agent/task-measures.ts";
export { TaskRecorder, type TaskRecorderOptions } from "./agent/task-recorder.ts";
export { type AgentSummary, AgentTotals, summarizeTotals } from "./agent/totals.ts";
export { type ArrivalStatistics, arrivalStatistics, type TokenPercentiles } from "./traces/arrival-statistics.ts";
export { readAzureTrace } from "./traces/azure.ts";
export type { TraceCall, TraceSession } from "./traces/dependencies.ts";
export { type TraceErrorCode, traceErrors } from "./traces/errors.ts";
export { type MooncakeOptions, readMooncakeCompact, readMooncakeTrace } from "./traces/mooncake.ts";
export { type OtelTraceOptions, readOtelTrace } from "./traces/otel.ts";
export {
  type ArrivalOptions,
  type ReplayOptions,
  type ReplayResult,
  replaySession,
  traceArrivals,
} from "./traces/replay.ts";
export type { ReadTraceOptions, TraceReader, TraceRequest } from "./traces/trace.ts";
export { type MockModelErrorCode, mockModelErrors } from "./mock-model/errors.ts";
export { type Endpoint, type Fault, type FaultKind, parseFault } from "./mock-model/faults.ts";
export { mockModelDefaults, type MockModelOptions, type MockTool } from "./mock-model/options.ts";
export type { MockModel, MockModelMetrics } from "./mock-model/server.ts";
export { startMockModel } from "./mock-model/start.ts";
export {
  type Converted,
  type ConvertFormat,
  convertFormatOf,
  convertFormats,
  type ConvertOptions,
  convertToScenario,
} from "./convert/convert.ts";
export { type ConvertErrorCode, convertErrors } from "./convert/errors.ts";
export { type HarOptions, scenarioFromHar } from "./convert/har.ts";
export { type OpenApiOptions, scenarioFromOpenApi } from "./convert/openapi.ts";
export { type PostmanOptions, scenarioFromPostman } from "./convert/postman.ts";
export { printScenario } from "./convert/print-scenario.ts";
export type { RequestStep, ScenarioModel, ScenarioVariable, Template, ThinkStep } from "./convert/scenario-model.ts";
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
export { type FormPart, MultipartForm, multipartBody } from "./http/multipart.ts";
export { compressBody } from "./http/request-compression.ts";
export {
  openWebSocket,
  WebSocketConnection,
  type WebSocketEnd,
  type WebSocketHandlers,
  type WebSocketHandshake,
  type WebSocketRequest,
} from "./websocket/websocket-connection.ts";
export { type LoadErrorCode, loadErrors } from "./engine/errors.ts";
export type { ErrorEntry } from "./engine/error-book.ts";
export type { Duration, LoadOptions, ScenarioOptions, StageOptions } from "./engine/load-options.ts";
export { LoadControl } from "./engine/load-control.ts";
export type { LoadOutput } from "./engine/load-output.ts";
export type { LoadSnapshot, ScenarioProgress } from "./engine/load-snapshot.ts";
export type { LoadSource, LoadTest, LoadTestFactory } from "./engine/load-test.ts";
export { importLoadTest } from "./engine/import-load-test.ts";
export type { Punctuality } from "./engine/precise-timer.ts";
export { type LoadPlan, resolvePlan } from "./engine/resolve-plan.ts";
export { plannedEndMs } from "./engine/scenario-plan.ts";
export { type LoadResult, runLoad, type RunLoadOptions } from "./engine/run-load.ts";
export { builtIn } from "./metrics/built-in.ts";
export type { Submetric } from "./metrics/worker-recorder.ts";
export { HttpMetrics, isExpected, type RequestTags, requestTags } from "./scenario/http-metrics.ts";
export { loadSource } from "./scenario/load-source.ts";
export { type UrlLoadParameters, urlLoad } from "./scenario/url-load.ts";
export {
  type DefinedLoad,
  defineLoad,
  type HttpDefaults,
  type LoadDefinition,
  type ScenarioDefinition,
  type UserFunction,
} from "./scenario/define-load.ts";
export type { LoadUser, Predicates, SocketOptions } from "./scenario/load-user.ts";
export type { UserSocket } from "./scenario/user-socket.ts";
export type { LoadResponse, RequestBody, RequestOptions, UserHttp } from "./scenario/user-http.ts";
export type { UserMetric } from "./scenario/user-metric.ts";
export { type ScriptParameters, scriptLoad } from "./scenario/script-source.ts";
export { openOutput } from "./output/open-output.ts";
export { k6Name, k6SummaryExport } from "./output/summary-export.ts";
export { csvRows, type DataRow, jsonRows } from "./scenario/data-files.ts";
export { type DeclarativeParameters, declarativeLoad } from "./scenario/declarative.ts";
export { declarativeSchema } from "./scenario/declarative-schema.ts";
export { type K6LoadParameters, k6Load, k6LoadTest, loadK6 } from "./k6/load-test.ts";
export { type K6ErrorCode, k6Errors } from "./k6/errors.ts";
export { type K6CommandLine, k6Flags, parseK6CommandLine, parseK6Environment } from "./k6/options/flags.ts";
export type { K6Options } from "./k6/options/options.ts";
export { type K6Host, type LogLevel } from "./k6/runtime/host.ts";
export type { K6Script } from "./k6/script.ts";
export { summaryDataOf, type SummaryOutcome } from "./k6/summary/from-run.ts";
export type { SummaryData } from "./k6/summary/summary-data.ts";
export { textSummary } from "./k6/summary/text.ts";

// Load tests on several machines.
export {
  checkSubject,
  distributeDefaults,
  type DistributedOptions,
  runDistributed,
} from "./distribute/run-distributed.ts";
export { type DistributeErrorCode, distributeErrors } from "./distribute/errors.ts";
export type { FleetEvent } from "./distribute/fleet.ts";
export { gatherFiles } from "./distribute/gather-files.ts";
export type { Hello } from "./distribute/messages.ts";
export type { LinkTimings } from "./distribute/link.ts";
export { connectNats } from "./distribute/connect-nats.ts";
export type { NatsEvents, NatsOptions } from "./distribute/nats-transport.ts";
export type { Answer, Listener, Transport } from "./distribute/transport.ts";
export { type HostEvent, WorkerHost, type WorkerHostOptions } from "./distribute/worker-host.ts";
