import type { CommandSpec, FlagSpec, FlagType } from "./command-spec.ts";

const onOff = { kind: "switch" } as const;
const text = (placeholder: string): FlagType => ({ kind: "text", placeholder });
const list = (placeholder: string): FlagType => ({ kind: "text", placeholder, repeatable: "whole" });
const whole = (placeholder: string, above: number): FlagType => ({ kind: "number", placeholder, above, integer: true });

/** How much load, over what time: the names are k6's, the letters wrk's and autocannon's. */
const shape: readonly FlagSpec[] = [
  { name: "vus", short: "c", type: whole("N", 0), help: "users, or connections of a URL (1; a URL: 10)" },
  { name: "duration", short: "d", type: text("TIME"), help: "how long: 30s, 1m30s (a URL: 10s)" },
  {
    name: "rate",
    short: "r",
    type: { kind: "number", placeholder: "N", above: 0 },
    help: "arrivals a second, whatever becomes of the earlier ones",
  },
  { name: "iterations", short: "i", type: whole("N", 0), help: "so many in all, shared by the users" },
  {
    name: "stage",
    short: "s",
    type: list("TIME:N"),
    help: "ramp to N users over TIME; repeat for more: -s 1m:50 -s 1m:0",
  },
  {
    name: "rps",
    type: { kind: "number", placeholder: "N", above: 0 },
    help: "at most N requests a second over all users",
  },
  { name: "poisson", type: onOff, help: "with --rate: arrivals scatter as independent callers do" },
];

const request: readonly FlagSpec[] = [
  { name: "method", short: "m", type: text("NAME"), help: "of a URL's requests (GET; with --body POST)" },
  { name: "header", short: "H", type: list("NAME: VALUE"), help: "of a URL's requests; repeatable" },
  { name: "body", short: "b", type: text("TEXT|@FILE"), help: "of a URL's requests" },
  { name: "timeout", type: text("TIME"), help: "of a URL's requests (60s)" },
  { name: "insecure-skip-tls-verify", short: "k", type: onOff, help: "accept any certificate" },
  { name: "no-connection-reuse", type: onOff, help: "a new connection for every request" },
];

/** Models, agents and servers of tools at a URL. */
const model: readonly FlagSpec[] = [
  {
    name: "api",
    type: { kind: "choice", choices: ["chat", "responses", "a2a", "mcp"] },
    help: "what speaks at the URL: a model, an agent, a server of tools",
  },
  { name: "model", type: text("NAME"), help: "with --api: the model asked for (default)" },
  {
    name: "input-tokens",
    type: text("DIST"),
    help: "with --api: of a prompt: 256, lognormal(1652, 3000, 64..24000) (256)",
  },
  { name: "output-tokens", type: text("DIST"), help: "with --api: at most, of an answer (the server's)" },
  { name: "turns", type: text("DIST"), help: "with --api: of a conversation, each with what was said before (1)" },
  { name: "think", type: text("DIST"), help: "with --turns: between turns, such as lognormal(4s, 3s)" },
  { name: "mcp-tool", type: text("NAME"), help: "with --api mcp: the tool called (echo)" },
  { name: "tool-input", type: text("JSON"), help: "with --api mcp: its input" },
  {
    name: "objective",
    type: list("NAME=TIME"),
    help: "with --api: ttft, ttft-scheduled, tpot or duration; counts goodput",
  },
  { name: "price", type: list("NAME=N"), help: "with --api: input, output, cached per million tokens; currency" },
  { name: "trace", type: text("FILE"), help: "requests come as recorded: Azure or Mooncake CSV, JSONL, OpenTelemetry" },
  { name: "speed", type: { kind: "number", placeholder: "N", above: 0 }, help: "with --trace: so much faster (1)" },
  { name: "trace-limit", type: whole("N", 0), help: "with --trace: only the first so many" },
  {
    name: "trace-format",
    type: { kind: "choice", choices: ["azure", "mooncake", "mooncake-compact", "otel"] },
    help: "with --trace: where its beginning does not tell",
  },
];

/** Flags of `k6 run` that scripts of k6 are given as they stand. */
const forK6: readonly FlagSpec[] = [
  { name: "user-agent", type: text("TEXT"), help: "k6: the User-Agent header" },
  { name: "max-redirects", type: text("N"), help: "k6: redirects followed" },
  { name: "batch", type: text("N"), help: "k6: requests of a batch at once" },
  { name: "batch-per-host", type: text("N"), help: "k6: of these to one host" },
  {
    name: "http-debug",
    type: { kind: "optional", choices: ["headers", "full"] },
    help: "k6: show requests and responses",
  },
  { name: "no-vu-connection-reuse", type: onOff, help: "k6: new connections for each iteration" },
  { name: "discard-response-bodies", type: onOff, help: "k6: count bodies, keep none" },
  { name: "throw", type: onOff, help: "k6: failed requests throw" },
  { name: "min-iteration-duration", type: text("TIME"), help: "k6: iterations last at least this long" },
  { name: "blacklist-ip", type: text("LIST"), help: "k6: networks never connected to" },
  { name: "block-hostnames", type: text("LIST"), help: "k6: names never connected to" },
  { name: "local-ips", type: text("LIST"), help: "k6: addresses that connections come from" },
  { name: "dns", type: text("OPTIONS"), help: "k6: ttl=5m,select=random,policy=preferIPv4" },
  { name: "system-tags", type: text("LIST"), help: "k6: tags that samples get" },
  { name: "setup-timeout", type: text("TIME"), help: "k6: for setup" },
  { name: "teardown-timeout", type: text("TIME"), help: "k6: for teardown" },
  { name: "summary-trend-stats", type: text("LIST"), help: "k6: statistics of k6's summary" },
  { name: "secret-source", type: list("KIND=…"), help: "k6: file=PATH or mock=key=value for k6/secrets; repeatable" },
  { name: "jslib", type: text("DIR"), help: "k6: copies of modules that scripts import by URL, as HOST/PATH" },
  { name: "k6-config", type: text("FILE"), help: "k6: a JSON file of options, of lowest precedence" },
  {
    name: "include-system-env-vars",
    type: { kind: "optional", choices: ["true", "false"] },
    help: "k6: false keeps the environment out of __ENV",
  },
  { name: "no-usage-report", type: onOff, help: "k6: nothing is ever reported anyway" },
  { name: "summary-time-unit", type: { kind: "choice", choices: ["s", "ms", "us"] }, help: "k6: of k6's summary" },
];

/** `mettle load`; the flags that commands share are added by the table. */
export const load: CommandSpec = {
  name: "load",
  summary: "load test a URL, a model, a script of ours or of k6, a YAML scenario, a HAR file",
  arguments: [{ name: "TARGET", required: true }],
  flags: [
    ...shape,
    ...request,
    ...model,
    { name: "env", short: "e", type: list("NAME=VALUE"), help: "for scripts: user.env, and __ENV in k6's; repeatable" },
    {
      name: "profile",
      type: { kind: "choice", choices: ["smoke", "ci", "full", "soak"] },
      help: "of service:NAME: how long its stages are (full)",
      environment: true,
    },
    { name: "tag", type: list("NAME=VALUE"), help: "on every sample; repeatable" },
    { name: "threshold", type: list("METRIC: RULE"), help: "such as 'http_req_duration: p(95) < 200ms'; repeatable" },
    { name: "no-thresholds", type: onOff, help: "judge by none" },
    { name: "no-setup", type: onOff, help: "skip the script's setup" },
    { name: "no-teardown", type: onOff, help: "skip the script's teardown" },
    {
      name: "workers",
      short: "w",
      type: whole("N", 0),
      help: "threads that make load (1); with --nats: worker processes to wait for",
      environment: true,
    },
    {
      name: "punctuality",
      type: { kind: "choice", choices: ["timer", "end", "full"] },
      help: "how closely the schedule is kept; full takes a whole core (end)",
      environment: true,
    },
    {
      name: "seed",
      type: { kind: "number", placeholder: "N", integer: true },
      help: "of everything random (1)",
      environment: true,
    },
    { name: "control", type: text("HOST:PORT"), help: "scale externally-controlled by PATCH /v1/status, as with k6" },
    {
      name: "ui",
      type: { kind: "optional", placeholder: "[HOST:]PORT" },
      help: "show the test in a browser as it runs (port 7788, for this machine)",
    },
    {
      name: "out",
      short: "o",
      type: list("DIR|KIND=WHERE"),
      help: "folder (mettle-out), or samples: json=FILE csv=FILE otlp=URL prometheus=URL",
      environment: true,
    },
    { name: "k6-summary", type: onOff, help: "end with the summary of k6, for scripts of k6" },
    {
      name: "summary-mode",
      type: { kind: "choice", choices: ["legacy", "compact", "full"] },
      help: "k6: the same as --k6-summary, whatever the mode",
    },
    { name: "no-summary", type: onOff, help: "no summary at the end, and no handleSummary of a k6 script" },
    { name: "summary-export", type: text("FILE"), help: "the end of the run as k6's summary JSON" },
    { name: "name", type: text("NAME"), help: "of the run (the folder's)" },
    { name: "save", type: text("NAME"), help: "save the run as a baseline" },
    ...forK6,
  ],
  examples: [
    "mettle load http://127.0.0.1:3000/health -c 50 -d 10s",
    "mettle load http://127.0.0.1:3000/ -r 500 -d 30s --threshold='http_req_failed:rate<0.01'",
    "mettle load http://127.0.0.1:4010/v1 --api chat --trace azure.csv --speed 10 --objective ttft=800ms",
    "mettle load service:auth_performance --env API_BASE_URL=http://127.0.0.1:8080 --profile ci",
    "mettle load agents.load.ts --env BASE_URL=http://127.0.0.1:3000 --ui",
  ],
  notes: [
    "Response times count from the moment a request was due (--rate), so that a stall shows for everyone who waited.",
    "Exit code: 0 pass, 3 a threshold missed, 5 the generator was too slow or starved: its figures prove nothing.",
    "Ctrl-C ends gracefully, twice at once. Writes run.json, report.html, summary.md and junit.xml.",
  ],
};
