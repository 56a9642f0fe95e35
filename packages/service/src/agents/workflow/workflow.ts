import { isDeepStrictEqual } from "node:util";
import { type TSchema, Type } from "typebox";
import { TaskFailure } from "../agent-type.ts";
import { referencesIn, valueAt } from "./references.ts";

const name = Type.String({ pattern: "^[A-Za-z][\\w-]{0,63}$" });
const pointer = Type.String({ maxLength: 500, pattern: "^(?:/.*)?$" });
const condition = Type.Object(
  {
    step: name,
    at: Type.Optional(pointer),
    is: Type.Optional(Type.Unknown()),
    is_not: Type.Optional(Type.Unknown()),
    above: Type.Optional(Type.Number()),
    below: Type.Optional(Type.Number()),
    exists: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, description: "Holds when all that is said of the value at that place does." },
);
const step = Type.Object(
  {
    id: name,
    agent_type: Type.String({ minLength: 1, maxLength: 100 }),
    task: Type.Object(
      {
        type: Type.String({ minLength: 1, maxLength: 100 }),
        input: Type.Unknown(),
        parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      },
      { additionalProperties: false },
    ),
    after: Type.Optional(Type.Array(name, { maxItems: 100 })),
    join: Type.Optional(
      Type.Union([Type.Literal("all"), Type.Literal("any")], {
        description: "Runs when all steps before it succeeded (all), or when one did and the others have ended.",
      }),
    ),
    when: Type.Optional(condition),
    retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
    backoff_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })),
    timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })),
    on_failure: Type.Optional(Type.Union([Type.Literal("stop"), Type.Literal("continue")])),
  },
  { additionalProperties: false },
);
export interface Step {
  readonly id: string;
  readonly agent_type: string;
  readonly task: {
    readonly type: string;
    readonly input: unknown;
    readonly parameters?: Readonly<Record<string, unknown>>;
  };
  readonly after?: readonly string[];
  readonly join?: "all" | "any";
  readonly when?: Condition;
  readonly retries?: number;
  readonly backoff_ms?: number;
  readonly timeout_ms?: number;
  readonly on_failure?: "stop" | "continue";
}

/** Holds when all that is said of the value at that place does. */
interface Condition {
  readonly step: string;
  readonly at?: string;
  readonly is?: unknown;
  readonly is_not?: unknown;
  readonly above?: number;
  readonly below?: number;
  readonly exists?: boolean;
}

export interface Workflow {
  readonly steps: readonly Step[];
}

export const workflowSchema: TSchema = Type.Object(
  { steps: Type.Array(step, { minItems: 1, maxItems: 100 }) },
  { additionalProperties: false },
);

/** The steps that a step waits for: those it names, those whose results it uses, and that of its condition. */
export function stepsBefore({ after = [], task, when }: Step): readonly string[] {
  const used = [...referencesIn(task.input), ...referencesIn(task.parameters)];
  return [...new Set([...after, ...used, ...(when ? [when.step] : [])])];
}

/** @throws TaskFailure `WORKFLOW_INVALID` for names given twice, steps that are not there, and circles */
export function checkGraph({ steps }: Workflow): void {
  const byId = new Map<string, Step>();
  for (const one of steps) {
    if (byId.has(one.id)) throw invalid(`Two steps are called ${one.id}.`);
    byId.set(one.id, one);
  }
  for (const one of steps) {
    const absent = stepsBefore(one).find((before) => !byId.has(before));
    if (absent !== undefined) throw invalid(`Step ${one.id} waits for ${absent}, which there is not.`);
  }
  const circle = circleIn(byId);
  if (circle) throw invalid(`Steps wait for one another: ${circle.join(" → ")}.`);
}

export const invalid = (message: string): TaskFailure => new TaskFailure("WORKFLOW_INVALID", message);

/** Steps that wait for each other in a circle, the first again at the end. */
function circleIn(byId: ReadonlyMap<string, Step>): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (id: string, path: readonly string[]): readonly string[] | undefined => {
    if (done.has(id)) return undefined;
    const at = path.indexOf(id);
    if (at >= 0) return [...path.slice(at), id];
    for (const before of stepsBefore(byId.get(id) as Step)) {
      const circle = visit(before, [...path, id]);
      if (circle) return circle;
    }
    done.add(id);
    return undefined;
  };
  for (const id of byId.keys()) {
    const circle = visit(id, []);
    if (circle) return circle;
  }
  return undefined;
}

/** Whether a step's condition holds; one without any always runs. */
export function holds(when: Condition | undefined, resultOf: (step: string) => unknown): boolean {
  if (!when) return true;
  const value = valueAt(resultOf(when.step), when.at ?? "");
  const said: readonly boolean[] = [
    !("is" in when) || isDeepStrictEqual(value, when.is),
    !("is_not" in when) || !isDeepStrictEqual(value, when.is_not),
    when.above === undefined || (typeof value === "number" && value > when.above),
    when.below === undefined || (typeof value === "number" && value < when.below),
    when.exists === undefined || (value !== undefined && value !== null) === when.exists,
  ];
  return said.every(Boolean);
}
