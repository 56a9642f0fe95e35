import { pathToFileURL } from "node:url";
import { makeArm } from "../arms.ts";
import { collectRecords } from "../child-records.ts";
import { caseId, type BenchBody, collect } from "../definition.ts";
import { measureTimerCosts } from "../driver.ts";

/** One case of a file, set up and ready to be run again and again. */
export interface OpenCase {
  /** A body that records is called so often, too. */
  iterate(iterations: number): Promise<void>;
  /** Runs for about so long. @returns how often the body was called; absent for one that records */
  runFor(durationMs: number): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Samples this long are short beside a profile and long beside the hooks around them. */
const SAMPLE_MS = 5;

export interface OpenCaseOptions {
  /** Keep the body a function of its own instead of letting it be inlined into the loop around it. @defaultValue false */
  readonly apart?: boolean;
}

/** @throws what the file, its hooks or the body throw; an Error when it defines no such case */
export async function openCase(file: string, id: string, options: OpenCaseOptions = {}): Promise<OpenCase> {
  const collector = await collect(() => import(pathToFileURL(file).href));
  const found = collector.suites.flatMap((suite) =>
    suite.cases
      .filter((definition) => caseId(suite.titles, definition) === id)
      .map((definition) => ({ suite, definition })),
  )[0];
  if (!found) throw new Error(`${file} defines no case ${JSON.stringify(id)}`);
  const { suite, definition } = found;
  const { setup, teardown, beforeSample, afterSample } = definition.options;
  for (const hook of suite.beforeAll) await hook();
  await setup?.();
  const close = async (): Promise<void> => {
    await teardown?.();
    for (const hook of suite.afterAll) await hook();
  };
  if (definition.kind === "record") {
    const record = async (durationMs: number, calls?: number): Promise<void> => {
      const limited =
        calls === undefined ? definition : { ...definition, options: { ...definition.options, iterations: calls } };
      const { errors } = await collectRecords(limited, durationMs, () => {});
      if (errors.length > 0) throw errors[0];
    };
    return {
      iterate: (iterations) => record(0, iterations),
      runFor: async (durationMs) => {
        await record(durationMs);
        return undefined;
      },
      close,
    };
  }
  const body = options.apart ? keptApart(definition.body) : definition.body;
  const arm = await makeArm(id, id, { ...definition, body }, measureTimerCosts());
  const iterate = async (iterations: number): Promise<void> => {
    if (beforeSample) await beforeSample();
    const took = arm.batch(iterations);
    if (typeof took !== "number") await took;
    if (afterSample) await afterSample();
  };
  return { iterate, runFor: (durationMs) => runFor(iterate, durationMs), close };
}

async function runFor(iterate: OpenCase["iterate"], durationMs: number): Promise<number> {
  const end = performance.now() + durationMs;
  let iterations = 1;
  let calls = 0;
  for (let now = performance.now(); now < end; ) {
    await iterate(iterations);
    calls += iterations;
    const after = performance.now();
    if (after - now < SAMPLE_MS / 2) iterations *= 2;
    now = after;
  }
  return calls;
}

/**
 * V8's profiler counts an inlined function's time to the function it was inlined into, and a body would vanish in the
 * loop. V8 inlines nothing where it has seen many different functions called; the mutable index keeps it from knowing
 * the one.
 */
function keptApart(body: BenchBody): BenchBody {
  const decoys: BenchBody[] = [() => 1, () => "2", () => [3], () => ({ four: 4 }), () => undefined, () => 6.5];
  const targets = [...decoys, body];
  let index = 0;
  const call: BenchBody = (context) => (targets[index] as BenchBody)(context);
  for (let round = 0; round < 60; round++) {
    index = round % decoys.length;
    call({} as Parameters<BenchBody>[0]);
  }
  index = decoys.length;
  return call;
}
