/** One executor of k6 and what it takes; all times in ms. */
export type K6Executor =
  | {
      readonly executor: "shared-iterations";
      readonly vus: number;
      readonly iterations: number;
      readonly maxDurationMs: number;
    }
  | {
      readonly executor: "per-vu-iterations";
      readonly vus: number;
      readonly iterations: number;
      readonly maxDurationMs: number;
    }
  | { readonly executor: "constant-vus"; readonly vus: number; readonly durationMs: number }
  | {
      readonly executor: "ramping-vus";
      readonly startVUs: number;
      readonly stages: readonly K6Stage[];
      readonly gracefulRampDownMs: number;
    }
  | ({ readonly executor: "constant-arrival-rate"; readonly rate: number; readonly durationMs: number } & ArrivalUsers)
  | ({
      readonly executor: "ramping-arrival-rate";
      readonly startRate: number;
      readonly stages: readonly K6Stage[];
    } & ArrivalUsers)
  | {
      readonly executor: "externally-controlled";
      readonly vus: number;
      readonly maxVUs: number;
      readonly durationMs: number;
    };

export interface ArrivalUsers {
  readonly timeUnitMs: number;
  readonly preAllocatedVUs: number;
  readonly maxVUs: number;
}

export interface K6Stage {
  readonly durationMs: number;
  readonly target: number;
}

export type K6Scenario = K6Executor & {
  readonly name: string;
  /** The exported function that it repeats. */
  readonly exec: string;
  readonly startTimeMs: number;
  readonly gracefulStopMs: number;
  readonly env: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
};

export interface K6Threshold {
  readonly expression: string;
  readonly abortOnFail: boolean;
  readonly delayAbortEvalMs: number;
}

export interface K6TlsAuth {
  readonly cert: string;
  readonly key: string;
  readonly password?: string;
  readonly domains: readonly string[];
}

export interface K6Dns {
  /** 0: look up every time; Infinity: keep for the run. */
  readonly ttlMs: number;
  readonly select: "first" | "random" | "roundRobin";
  readonly policy: "preferIPv4" | "preferIPv6" | "onlyIPv4" | "onlyIPv6" | "any";
}

/** Options of a k6 test, from all their sources and checked. What nobody set is absent. */
export interface K6Options {
  readonly scenarios: readonly K6Scenario[];
  /** By metric, or `metric{tag:value}`. */
  readonly thresholds: Readonly<Record<string, readonly K6Threshold[]>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly systemTags?: ReadonlySet<string>;
  readonly setupTimeoutMs: number;
  readonly teardownTimeoutMs: number;
  readonly minIterationDurationMs?: number;
  readonly rps?: number;
  readonly maxRedirects?: number;
  readonly userAgent?: string;
  readonly batch: number;
  readonly batchPerHost: number;
  readonly throw?: boolean;
  readonly discardResponseBodies?: boolean;
  readonly noCookiesReset?: boolean;
  readonly insecureSkipTLSVerify?: boolean;
  readonly noConnectionReuse?: boolean;
  readonly noVUConnectionReuse?: boolean;
  readonly tlsAuth?: readonly K6TlsAuth[];
  readonly tlsVersion?: { readonly min: string; readonly max: string };
  readonly tlsCipherSuites?: readonly string[];
  /** `host` or `host:port` to `address` or `address:port`. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly dns?: K6Dns;
  readonly blacklistIPs?: readonly string[];
  readonly blockHostnames?: readonly string[];
  readonly localIPs?: string;
  readonly httpDebug?: "headers" | "full";
  readonly paused?: boolean;
  readonly linger?: boolean;
  readonly summaryTrendStats: readonly string[];
  readonly summaryTimeUnit?: "s" | "ms" | "us";
}

export const defaultSystemTags: readonly string[] = [
  "proto",
  "subproto",
  "status",
  "method",
  "url",
  "name",
  "group",
  "check",
  "error",
  "error_code",
  "tls_version",
  "scenario",
  "service",
  "expected_response",
];

/** Tags that k6 knows beyond its default ones. */
export const optionalSystemTags: readonly string[] = ["vu", "iter", "ip", "ocsp_status"];

export const defaultSummaryTrendStats: readonly string[] = ["avg", "min", "med", "max", "p(90)", "p(95)"];
