import { describe, expect, test } from "vitest";
import { parseK6Duration } from "../../src/k6/http/params.ts";
import { k6Flags, parseK6CommandLine, parseK6Environment } from "../../src/k6/options/flags.ts";
import { resolveOptions } from "../../src/k6/options/resolve.ts";

const problemsOf = (script: Record<string, unknown>): string => {
  try {
    resolveOptions({ script });
  } catch (error) {
    return (error as { details: { problems: string[] } }).details.problems.join("; ");
  }
  return "";
};

describe("how the load runs", () => {
  test.each([
    [{}, { executor: "per-vu-iterations", vus: 1, iterations: 1 }],
    [
      { vus: 5, duration: "1m30s" },
      { executor: "constant-vus", vus: 5, durationMs: 90_000 },
    ],
    [
      { iterations: 10, vus: 2, duration: "5s" },
      { executor: "shared-iterations", vus: 2, iterations: 10, maxDurationMs: 5000 },
    ],
    [
      { stages: [{ duration: "10s", target: 3 }] },
      { executor: "ramping-vus", startVUs: 1, stages: [{ durationMs: 10_000, target: 3 }] },
    ],
  ])("%j", (script, expected) => {
    expect(resolveOptions({ script }).options.scenarios).toMatchObject([
      { name: "default", exec: "default", gracefulStopMs: 30_000, ...expected },
    ]);
  });

  test("scenarios of every executor are read", () => {
    const { scenarios } = resolveOptions({
      script: {
        scenarios: {
          a: {
            executor: "constant-arrival-rate",
            rate: 30,
            timeUnit: "1m",
            duration: "2m",
            preAllocatedVUs: 4,
            startTime: "5s",
            gracefulStop: "0s",
            tags: { x: 1 },
            env: { Y: "z" },
            exec: "other",
          },
          b: {
            executor: "ramping-arrival-rate",
            startRate: 5,
            stages: [{ target: 10, duration: "1s" }],
            preAllocatedVUs: 2,
            maxVUs: 9,
          },
          c: { executor: "externally-controlled", vus: 1, maxVUs: 5, duration: "1m" },
          d: { executor: "ramping-vus", startVUs: 0, stages: [{ target: 1, duration: 500 }], gracefulRampDown: "1s" },
        },
      },
    }).options;
    expect(scenarios).toEqual([
      {
        name: "a",
        exec: "other",
        executor: "constant-arrival-rate",
        rate: 30,
        timeUnitMs: 60_000,
        durationMs: 120_000,
        preAllocatedVUs: 4,
        maxVUs: 4,
        startTimeMs: 5000,
        gracefulStopMs: 0,
        tags: { x: "1" },
        env: { Y: "z" },
      },
      {
        name: "b",
        exec: "default",
        executor: "ramping-arrival-rate",
        startRate: 5,
        stages: [{ target: 10, durationMs: 1000 }],
        timeUnitMs: 1000,
        preAllocatedVUs: 2,
        maxVUs: 9,
        startTimeMs: 0,
        gracefulStopMs: 30_000,
        tags: {},
        env: {},
      },
      {
        name: "c",
        exec: "default",
        executor: "externally-controlled",
        vus: 1,
        maxVUs: 5,
        durationMs: 60_000,
        startTimeMs: 0,
        gracefulStopMs: 30_000,
        tags: {},
        env: {},
      },
      {
        name: "d",
        exec: "default",
        executor: "ramping-vus",
        startVUs: 0,
        stages: [{ target: 1, durationMs: 500 }],
        gracefulRampDownMs: 1000,
        startTimeMs: 0,
        gracefulStopMs: 30_000,
        tags: {},
        env: {},
      },
    ]);
  });

  test.each([
    [{ vus: 2 }, /vus needs a duration/],
    [{ duration: "1s", stages: [{ duration: "1s", target: 1 }] }, /duration and stages/],
    [{ iterations: 1, vus: 2 }, /must be at least vus/],
    [{ duration: "ten" }, /duration must be a duration/],
    [{ scenarios: { s: { executor: "nope" } } }, /scenarios\.s\.executor must be one of/],
    [
      { scenarios: { s: { executor: "constant-arrival-rate" } } },
      /rate is missing.*duration is missing.*preAllocatedVUs is missing/,
    ],
    [
      { scenarios: { s: { executor: "constant-vus", duration: "1s", rate: 1 } } },
      /s\.rate is not an option of constant-vus/,
    ],
    [{ scenarios: {} }, /at least one scenario/],
    [{ systemTags: ["url", "nope"] }, /systemTags has no tag nope/],
    [{ summaryTrendStats: ["p95"] }, /has no statistic p95/],
    [{ thresholds: { a: [{ abortOnFail: true }] } }, /thresholds\["a"\] must hold/],
    [{ tlsVersion: "tls9" }, /tlsVersion must be one of/],
    [{ hosts: [] }, /hosts must be an object/],
  ])("%j is refused", (script, expected) => {
    expect(problemsOf(script)).toMatch(expected);
  });
});

test("the other options are read", () => {
  const { options, notes } = resolveOptions({
    script: {
      thresholds: {
        http_req_duration: ["p(95)<200", { threshold: "avg<1", abortOnFail: true, delayAbortEval: "10s" }],
        "checks{kind:a}": "rate>0.9",
      },
      dns: { ttl: "inf", select: "first", policy: "onlyIPv4" },
      tlsAuth: [{ cert: "C", key: "K", domains: ["a.test"] }],
      tlsVersion: { min: "tls1.2" },
      hosts: { "a.test:443": "127.0.0.1:8443" },
      httpDebug: "full",
      ext: {},
      batch: 3,
      noConnectionReuse: true,
    },
  });
  expect(options).toMatchObject({
    thresholds: {
      http_req_duration: [
        { expression: "p(95)<200", abortOnFail: false, delayAbortEvalMs: 0 },
        { expression: "avg<1", abortOnFail: true, delayAbortEvalMs: 10_000 },
      ],
      "checks{kind:a}": [{ expression: "rate>0.9", abortOnFail: false, delayAbortEvalMs: 0 }],
    },
    dns: { ttlMs: Number.POSITIVE_INFINITY, select: "first", policy: "onlyIPv4" },
    tlsAuth: [{ cert: "C", key: "K", domains: ["a.test"] }],
    tlsVersion: { min: "tls1.2", max: "tls1.3" },
    hosts: { "a.test:443": "127.0.0.1:8443" },
    httpDebug: "full",
    batch: 3,
    batchPerHost: 6,
    noConnectionReuse: true,
    setupTimeoutMs: 60_000,
  });
  expect(options.userAgent).toBeUndefined();
  expect(notes).toEqual(["ext has no effect: options of other services"]);
});

describe("precedence", () => {
  const script = {
    scenarios: { s: { executor: "constant-vus", duration: "1m", vus: 9 } },
    userAgent: "script",
    tags: { a: "script", b: "script" },
    batch: 1,
  };

  test("flags go before the environment, that before the script, that before the file", () => {
    const { options } = resolveOptions({
      configFile: { userAgent: "file", batch: 7, maxRedirects: 4 },
      script,
      environment: parseK6Environment({ K6_USER_AGENT: "env", K6_BATCH: "5", K6_OTHER: "left alone" }).options,
      flags: parseK6CommandLine(["--user-agent=flag", "--tag", "a=flag", "s.js"]).options,
    });
    expect([options.userAgent, options.batch, options.maxRedirects, options.tags]).toEqual([
      "flag",
      5,
      4,
      { a: "flag", b: "script" },
    ]);
    expect(options.scenarios[0]?.name).toBe("s");
  });

  test("a duration, iterations or stages given outside replace the script's scenarios", () => {
    const flags = parseK6CommandLine(["-d", "3s", "-u", "2"]).options;
    expect(resolveOptions({ script, flags }).options.scenarios).toMatchObject([
      { name: "default", executor: "constant-vus", vus: 2, durationMs: 3000 },
    ]);
    const stages = parseK6CommandLine(["--stage", "1s:2,2s:0"]).options;
    expect(resolveOptions({ script: { vus: 3, duration: "9s" }, flags: stages }).options.scenarios).toMatchObject([
      {
        executor: "ramping-vus",
        startVUs: 3,
        stages: [
          { durationMs: 1000, target: 2 },
          { durationMs: 2000, target: 0 },
        ],
      },
    ]);
    const iterations = parseK6CommandLine(["-i", "8"]).options;
    expect(resolveOptions({ script: { vus: 3, duration: "9s" }, flags: iterations }).options.scenarios).toMatchObject([
      { executor: "shared-iterations", vus: 3, iterations: 8 },
    ]);
  });
});

describe("the command line", () => {
  test("is read as k6 reads it", () => {
    const line = parseK6CommandLine([
      "script.js",
      "-e",
      "A=1",
      "--env",
      "B=x=y",
      "-o",
      "json=a,b.json",
      "--out=csv=c",
      "--summary-export",
      "s.json",
      "--no-setup",
      "--no-teardown=false",
      "-q",
      "--http-debug",
      "--system-tags",
      "url,status",
      "--blacklist-ip=10.0.0.0/8",
      "--discard-response-bodies",
      "-u5",
      "--linger",
      "--secret-source=mock=a=b,c=d",
    ]);
    expect(line).toEqual({
      script: "script.js",
      options: {
        vus: 5,
        httpDebug: "",
        discardResponseBodies: true,
        blacklistIPs: ["10.0.0.0/8"],
        systemTags: ["url", "status"],
        linger: true,
      },
      environment: { A: "1", B: "x=y" },
      outputs: ["json=a,b.json", "csv=c"],
      summaryExport: "s.json",
      noSetup: true,
      noTeardown: false,
      noThresholds: false,
      noSummary: false,
      quiet: true,
      includeSystemEnvironment: true,
      configFile: undefined,
      summaryMode: undefined,
      secretSources: ["mock=a=b,c=d"],
    });
  });

  test.each([
    [["--nope"], /there is no flag --nope/],
    [["-z"], /there is no flag -z/],
    [["--vus"], /--vus needs a value/],
    [["--vus", "many"], /needs a whole number/],
    [["--env", "A"], /needs NAME=VALUE/],
    [["--stage", "10"], /a stage is DURATION:TARGET/],
    [["--no-setup=maybe"], /is true or false/],
    [["--compatibility-mode=base"], /is not provided: scripts run on Node/],
    [["--execution-segment=0:1/2"], /is not provided: --workers splits/],
    [["a.js", "b.js"], /one script at a time/],
  ])("%j is refused", (args, message) => {
    expect(() => parseK6CommandLine(args)).toThrow(message);
  });

  test("every flag that sets an option sets one that exists", () => {
    for (const [name, { option, kind }] of Object.entries(k6Flags)) {
      if (option === undefined) continue;
      const values: Record<string, string> = {
        number: "7",
        boolean: "true",
        stages: "1s:1",
        pairs: "a=b",
        list: "url",
        optional: "full",
        text: "30s",
        whole: "json=x",
      };
      const special: Record<string, string> = {
        dns: "ttl=5s,select=first",
        "summary-time-unit": "ms",
        "summary-trend-stats": "p(99)",
      };
      const { options } = parseK6CommandLine([`--${name}=${special[name] ?? values[kind]}`]);
      const script = option === "vus" ? { duration: "1s" } : {};
      expect(() => resolveOptions({ flags: options, script }), name).not.toThrow();
    }
  });
});

test("variables are read as flags are, and refused as flags are", () => {
  const line = parseK6Environment({
    K6_VUS: "3",
    K6_NO_SETUP: "true",
    K6_OUT: "json=a.json",
    K6_OTHER: "x",
    PATH: "/",
  });
  expect(line).toMatchObject({ options: { vus: 3 }, noSetup: true, outputs: ["json=a.json"] });
  expect(() => parseK6Environment({ K6_VUS: "many" })).toThrow(/needs a whole number/);
  expect(() => parseK6Environment({ K6_EXECUTION_SEGMENT: "0:1/2" })).toThrow(/K6_EXECUTION_SEGMENT is not provided/);
});

test("a part of the load is not silently the whole load", () => {
  expect(() => resolveOptions({ script: { executionSegment: "0:1/2" } })).toThrow(/executionSegment is not provided/);
});

test.each([
  ["1h2m3s4ms", 3_723_004],
  ["1.5s", 1500],
  ["250", 250],
  ["2d", 172_800_000],
  ["1s1", undefined],
  ["", undefined],
  ["-1s", undefined],
])("the duration %j is %j ms", (text, expected) => {
  expect(parseK6Duration(text)).toBe(expected);
});
