import { Ajv, type ValidateFunction } from "ajv";
import { type Clock, type Milliseconds, ms } from "@mettle/core";
import { RequestFailure } from "../http/failure.ts";
import { IsolationFailure } from "../isolation/isolated-workers.ts";
import { boundedJson } from "./bounded-json.ts";
import { type Tool, ToolFailure } from "./tool.ts";

export interface ToolCall {
  readonly name: string;
  readonly input: unknown;
  readonly tenantId: string;
  readonly timeout?: Milliseconds | undefined;
  readonly signal?: AbortSignal;
}

export interface ToolStatistics {
  readonly calls: number;
  readonly failures: number;
  readonly running: number;
}

/** Of an output as JSON. */
const charactersAtMost = 5_000_000;
const deadlines = { light: ms(5000), heavy: ms(30_000) } as const;
/** Heavy calls at once in this instance, and of one tenant: what is beyond is told to come later. */
const heavyAtMost = 32;
const heavyOfTenantAtMost = 8;

interface Entry {
  readonly tool: Tool;
  readonly validate: ValidateFunction;
  readonly statistics: { calls: number; failures: number; running: number };
}

/** The tools there are, and the one way to call them: checked input, a deadline, a bounded output. */
export class ToolBox {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #clock: Clock;
  readonly #heavyOf = new Map<string, number>();
  #heavy = 0;

  constructor(tools: readonly Tool[], clock: Clock) {
    const ajv = new Ajv({ strict: true, allErrors: false, discriminator: false });
    this.#clock = clock;
    this.#entries = new Map(
      tools.map((tool) => [
        tool.name,
        { tool, validate: ajv.compile(tool.input), statistics: { calls: 0, failures: 0, running: 0 } },
      ]),
    );
  }

  get tools(): readonly Tool[] {
    return [...this.#entries.values()].map(({ tool }) => tool);
  }

  statisticsOf(read: (statistics: ToolStatistics) => number): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#entries].map(([name, { statistics }]) => [name, read(statistics)]));
  }

  /**
   * @returns the tool's output, and how long it took
   * @throws RequestFailure `TOOL_UNKNOWN`, `TOOL_INPUT_INVALID`, `TOOL_TIMEOUT`, `TOOL_BUSY`, and what the tool refuses
   */
  async call(call: ToolCall): Promise<{ readonly output: unknown; readonly durationMs: number }> {
    const entry = this.#entries.get(call.name);
    if (!entry) {
      throw new RequestFailure("not_found", "TOOL_UNKNOWN", `There is no tool "${call.name}". GET /tools lists them.`);
    }
    this.#check(entry, call.input);
    const leave = this.#enter(entry, call.tenantId);
    const from = this.#clock.now();
    try {
      const output = await this.#run(entry.tool, call);
      return { output, durationMs: (this.#clock.now() - from) / 1e6 };
    } catch (error) {
      entry.statistics.failures += 1;
      throw failureOf(error);
    } finally {
      leave();
    }
  }

  #check({ validate, tool }: Entry, input: unknown): void {
    if (validate(input)) return;
    const { instancePath = "", message = "is wrong" } = validate.errors?.[0] ?? {};
    const told = `${instancePath === "" ? "The arguments" : instancePath} of ${tool.name}: ${message}.`;
    throw new RequestFailure("invalid_request", "TOOL_INPUT_INVALID", told, { details: { path: instancePath } });
  }

  #enter({ tool, statistics }: Entry, tenantId: string): () => void {
    const heavy = tool.kind === "heavy";
    const ofTenant = this.#heavyOf.get(tenantId) ?? 0;
    if (heavy && (this.#heavy >= heavyAtMost || ofTenant >= heavyOfTenantAtMost)) throw failureOf(busy());
    statistics.calls += 1;
    statistics.running += 1;
    if (heavy) {
      this.#heavy += 1;
      this.#heavyOf.set(tenantId, ofTenant + 1);
    }
    return () => {
      statistics.running -= 1;
      if (!heavy) return;
      this.#heavy -= 1;
      const left = (this.#heavyOf.get(tenantId) ?? 1) - 1;
      if (left > 0) this.#heavyOf.set(tenantId, left);
      else this.#heavyOf.delete(tenantId);
    };
  }

  async #run(tool: Tool, { input, tenantId, timeout, signal }: ToolCall): Promise<unknown> {
    const deadline = ms(Math.min(timeout ?? deadlines[tool.kind], deadlines[tool.kind]));
    const ending = new AbortController();
    const settled = new AbortController();
    const late = this.#clock.sleep(deadline, settled.signal).then(
      () => {
        ending.abort();
        throw new ToolFailure(`${tool.name} took longer than ${deadline} ms.`, "TOOL_TIMEOUT");
      },
      () => undefined,
    );
    const whole = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
    try {
      const work = Promise.resolve(tool.run(input as never, { tenantId, signal: whole }));
      const output = await Promise.race([work, late.then(() => work)]);
      boundedJson(output, charactersAtMost);
      return output;
    } finally {
      settled.abort();
    }
  }
}

const busy = (): ToolFailure => new ToolFailure("Too many heavy tools run already.", "TOOL_BUSY");

function failureOf(error: unknown): unknown {
  if (error instanceof IsolationFailure) return failureOf(fromIsolation(error));
  if (error instanceof RangeError) return failureOf(new ToolFailure(`${error.message}.`, undefined, { cause: error }));
  if (!(error instanceof ToolFailure)) return error;
  const { code, message } = error;
  if (code === "TOOL_BUSY") return new RequestFailure("unavailable", code, message, { retryAfter: 1, cause: error });
  if (code === "TOOL_UNAVAILABLE") return new RequestFailure("unavailable", code, message, { cause: error });
  return new RequestFailure(code === "TOOL_ADDRESS_REFUSED" ? "forbidden" : "unprocessable", code, message, {
    cause: error,
  });
}

function fromIsolation(failure: IsolationFailure): ToolFailure {
  const { reason, message } = failure;
  if (reason === "busy" || reason === "cancelled") return busy();
  if (reason === "timeout") return new ToolFailure(message, "TOOL_TIMEOUT", { cause: failure });
  return new ToolFailure(reason === "memory" ? message : `${message.replace(/\.$/, "")}.`, undefined, {
    cause: failure,
  });
}
