import { randomUUID } from "node:crypto";
import { parseK6Duration } from "../http/params.ts";
import type { UserContext } from "../runtime/user-context.ts";

/** The functions of `https://jslib.k6.io/k6-utils`. */
export function utilsModule(context: UserContext): Record<string, unknown> {
  const random = (): number => context.random?.() ?? Math.random();
  const randomIntBetween = (min: number, max: number): number => Math.floor(random() * (max - min + 1) + min);
  const stages = (): readonly { durationMs: number; target: number }[] => {
    const scenario = context.options.scenarios.find(({ name }) => name === context.user?.scenario);
    if (!scenario || !("stages" in scenario)) throw new Error("only ramping-vus and ramping-arrival-rate have stages");
    return scenario.stages;
  };
  const getCurrentStageIndex = (): number => {
    const started = context.host.scenario?.(context.running("getCurrentStageIndex").scenario)?.startTime;
    if (started === undefined) throw new Error("the start of the scenario is not known here");
    let left = Date.now() - started;
    const list = stages();
    for (const [i, { durationMs }] of list.entries()) {
      left -= durationMs;
      if (left < 0) return i;
    }
    return list.length - 1;
  };
  const tag = (name: string, value: string): void => {
    context.userTags = { ...context.userTags, [name]: value };
  };
  return {
    randomIntBetween,
    randomItem: (list: ArrayLike<unknown>) => list[Math.floor(random() * list.length)],
    randomString: (length: number, charset = "abcdefghijklmnopqrstuvwxyz") =>
      Array.from({ length }, () => charset[Math.floor(random() * charset.length)]).join(""),
    uuidv4: () => randomUUID(),
    findBetween: (content: string, left: string, right: string, repeat = false) =>
      findBetween(content, left, right, repeat),
    normalDistributionStages,
    parseDuration: (text: unknown) => {
      const milliseconds = parseK6Duration(String(text));
      if (milliseconds === undefined) throw new TypeError(`${String(text)} is not a duration`);
      return milliseconds;
    },
    getCurrentStageIndex,
    tagWithCurrentStageIndex: () => tag("stage", String(getCurrentStageIndex())),
    tagWithCurrentStageProfile: () => {
      const list = stages();
      const at = getCurrentStageIndex();
      const before = list[at - 1]?.target ?? 0;
      const target = list[at]?.target ?? 0;
      tag("stage_profile", target > before ? "ramp-up" : target < before ? "ramp-down" : "steady");
    },
  };
}

function findBetween(content: string, left: string, right: string, repeat: boolean): string | string[] | null {
  const found: string[] = [];
  for (let at = 0; ; ) {
    const start = content.indexOf(left, at);
    const end = start < 0 ? -1 : content.indexOf(right, start + left.length);
    if (end < 0) break;
    found.push(content.slice(start + left.length, end));
    if (!repeat) return found[0] ?? null;
    at = end + right.length;
  }
  return repeat ? found : null;
}

/** Stages whose heights follow a normal curve: up to `maxVus` in the middle. */
function normalDistributionStages(
  maxVus: number,
  durationSeconds: number,
  numberOfStages = 10,
): { duration: string; target: number }[] {
  const density = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  const count = Math.max(1, Math.trunc(numberOfStages));
  const heights = Array.from({ length: count + 1 }, (_, i) => density(-2 + (4 * i) / count));
  const peak = Math.max(...heights);
  const duration = Math.ceil(durationSeconds / (count + 2));
  const stages = heights.map((height) => ({ duration: `${duration}s`, target: Math.ceil((maxVus * height) / peak) }));
  return [...stages, { duration: `${duration}s`, target: 0 }];
}
