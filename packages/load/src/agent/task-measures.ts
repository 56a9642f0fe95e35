import { workloadErrors } from "./errors.ts";
import { type Interval, unionLength } from "./intervals.ts";

/** One call of a model or a tool within a task. Milliseconds of one clock. */
export interface TaskSpan extends Interval {
  readonly kind: "llm" | "tool";
  /** The model's or the tool's name. */
  readonly name: string;
  readonly failed: boolean;
  /** A repetition of a call that failed. */
  readonly retry?: boolean;
  /** Input plus output as the server counted. */
  readonly tokens?: number;
  readonly cost?: number;
}

/** One task of an agent, from being due to being finished. */
export interface TaskRecord {
  readonly name: string;
  /** When it was due; the executor's schedule or the moment it entered a queue. */
  readonly queuedAt?: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Turns of the agent's loop: a model call with all that it caused. */
  readonly steps: number;
  readonly spans: readonly TaskSpan[];
  /** By the user's judgement; absent where there is none. */
  readonly passed?: boolean;
  /** Calls that were never made because one they depended on failed. */
  readonly cancelledAfterFailure?: number;
}

export interface TaskMeasures {
  readonly endToEnd: number;
  readonly steps: number;
  readonly llmCalls: number;
  readonly toolCalls: number;
  readonly toolErrors: number;
  readonly toolRetries: number;
  /** `endToEnd − |union of LLM and tool spans|`: time in which neither worked. */
  readonly orchestrationOverhead: number;
  /** Share of the end-to-end time that lies on the chain of calls which decided when the task ended. */
  readonly criticalPathShare?: number;
  /** Of that chain, the shares spent in models and in tools. */
  readonly criticalPath?: { readonly llm: number; readonly tool: number };
  /** `Σ spans / endToEnd`: above 1 where calls ran at once. */
  readonly parallelism?: number;
  readonly queueWait?: number;
  /** From the start to the first tool call. */
  readonly timeToFirstAction?: number;
  /** Absent unless every model call was counted. */
  readonly tokens?: number;
  /** Absent unless every call has a cost. */
  readonly cost?: number;
  readonly cancelledAfterFailure: number;
}

/**
 * The figures of one task. O(n log n) in its spans. Spans are clipped to the task: what ran on after it ended did not
 * delay it.
 *
 * @throws MettleError `TASK_INVALID` for times that are not numbers or run backwards
 */
export function measureTask(task: TaskRecord): TaskMeasures {
  checkTask(task);
  const { startedAt, endedAt, spans } = task;
  const endToEnd = endedAt - startedAt;
  const clipped = spans
    .map((span) => ({ ...span, start: Math.max(span.start, startedAt), end: Math.min(span.end, endedAt) }))
    .filter(({ start, end }) => end > start);
  const tools = spans.filter(({ kind }) => kind === "tool");
  const models = spans.filter(({ kind }) => kind === "llm");
  const path = criticalPath(clipped, endedAt);
  const total = (of: readonly Interval[]): number => of.reduce((sum, { start, end }) => sum + (end - start), 0);
  const onPath = (kind: TaskSpan["kind"]): number => total(path.filter((span) => span.kind === kind));
  const tokens = sumOfAll(models.map((span) => span.tokens));
  const cost = sumOfAll(spans.map((span) => span.cost));
  const firstTool = tools.length > 0 ? Math.min(...tools.map(({ start }) => start)) : undefined;
  return {
    endToEnd,
    steps: task.steps,
    llmCalls: models.length,
    toolCalls: tools.length,
    toolErrors: tools.filter(({ failed }) => failed).length,
    toolRetries: tools.filter(({ retry }) => retry === true).length,
    orchestrationOverhead: endToEnd - unionLength(clipped),
    ...(endToEnd > 0 && {
      criticalPathShare: total(path) / endToEnd,
      criticalPath: { llm: onPath("llm") / endToEnd, tool: onPath("tool") / endToEnd },
      parallelism: total(clipped) / endToEnd,
    }),
    ...(task.queuedAt !== undefined && { queueWait: startedAt - task.queuedAt }),
    ...(firstTool !== undefined && { timeToFirstAction: firstTool - startedAt }),
    ...(tokens !== undefined && { tokens }),
    ...(cost !== undefined && { cost }),
    cancelledAfterFailure: task.cancelledAfterFailure ?? 0,
  };
}

/**
 * The chain of spans that decided when the task ended, latest first: from the end backwards, always the span that
 * ended last before the one found started. Spans never overlap on it.
 */
export function criticalPath<Span extends Interval>(spans: readonly Span[], end: number): Span[] {
  const byEnd = spans.toSorted((a, b) => b.end - a.end || b.start - a.start);
  const path: Span[] = [];
  let cursor = end;
  for (const span of byEnd) {
    if (span.end > cursor) continue;
    path.push(span);
    cursor = span.start;
  }
  return path;
}

function sumOfAll(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return values.length > 0 ? sum : undefined;
}

function checkTask({ name, queuedAt, startedAt, endedAt, steps, spans }: TaskRecord): void {
  const problems: string[] = [];
  const times = [queuedAt ?? startedAt, startedAt, endedAt];
  if (!times.every(Number.isFinite) || endedAt < startedAt) problems.push("it must end at or after its start");
  if (!(Number.isInteger(steps) && steps >= 0)) problems.push(`steps is ${steps}`);
  spans.forEach(({ start, end, name: call }, index) => {
    if (!(Number.isFinite(start) && Number.isFinite(end) && end >= start)) {
      problems.push(`span ${index} (${call}) runs from ${start} to ${end}`);
    }
  });
  if (problems.length > 0) {
    throw workloadErrors.create("TASK_INVALID", `Task "${name}": ${problems.join("; ")}.`, { details: { problems } });
  }
}
