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
