import type { ConnectionOptions } from "@nats-io/transport-node";
import { messageOf } from "@mettle/core";
import type { Driver, StepEvent, StepOutcome } from "./driver.ts";
import { driverErrors } from "./errors.ts";
import { OpenFlag } from "./http-step.ts";
import { StepBuilder } from "./step-builder.ts";

export interface NatsStep {
  /** Over the driver's. */
  readonly subject?: string;
  readonly payload: string | Uint8Array;
}

/** The part of a NATS connection that requests need; a real one satisfies it. */
export interface NatsRequester {
  request(
    subject: string,
    payload: string | Uint8Array,
    options: { timeout: number; noMux?: boolean },
  ): Promise<{ string(): string }>;
  close(): Promise<void>;
}

export interface NatsDriverOptions {
  readonly subject: string;
  /** @defaultValue 10 000 */
  readonly timeoutMs?: number;
  readonly connection?: ConnectionOptions;
  /** Another way to connect. @defaultValue a TCP connection to `connection.servers` */
  readonly connect?: () => Promise<NatsRequester>;
}

/**
 * Requests over NATS. All sessions of a driver share one connection, as services do: it multiplexes, and 2 000 virtual users
 * with a connection each would measure the server's accept loop. It is opened by the first session and closed with the last.
 *
 * Codes of failed outcomes: `NATS_` and the client's name for it, such as `NATS_TimeoutError`, `NATS_NoRespondersError`.
 */
export function natsRequest(options: NatsDriverOptions): Driver<NatsStep> {
  const { subject, timeoutMs = 10_000 } = options;
  if (subject === "" || /\s/.test(subject) || !(timeoutMs > 0)) {
    const message = `nats: subject ${JSON.stringify(subject)}, timeoutMs ${timeoutMs}: a subject without spaces and a time above 0 are needed.`;
    throw driverErrors.create("DRIVER_OPTIONS_INVALID", message, { details: { subject, timeoutMs } });
  }
  const shared = new SharedConnection(options);
  return {
    name: "nats",
    open: async () => {
      const connection = await shared.acquire();
      const open = new OpenFlag("nats");
      let released = false;
      return {
        send: async (step, onEvent) => {
          open.require();
          return await request(connection, { subject, timeoutMs }, step, onEvent);
        },
        close: async () => {
          open.close();
          if (released) return;
          released = true;
          await shared.release();
        },
      };
    },
  };
}

class SharedConnection {
  readonly #options: NatsDriverOptions;
  #opening: Promise<NatsRequester> | undefined;
  #users = 0;

  constructor(options: NatsDriverOptions) {
    this.#options = options;
  }

  /** @throws MettleError `DRIVER_OPEN_FAILED` */
  async acquire(): Promise<NatsRequester> {
    this.#users++;
    this.#opening ??= (this.#options.connect ?? ((): Promise<NatsRequester> => connected(this.#options.connection)))();
    try {
      return await this.#opening;
    } catch (cause) {
      this.#users--;
      this.#opening = undefined;
      throw driverErrors.create("DRIVER_OPEN_FAILED", `nats: cannot connect: ${messageOf(cause)}.`, { cause });
    }
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    const opening = this.#opening;
    this.#opening = undefined;
    await (await opening)?.close();
  }
}

/** The client is loaded by who connects: fifty modules that most load tests do without. */
async function connected(options: ConnectionOptions | undefined): Promise<NatsRequester> {
  const { connect } = await import("@nats-io/transport-node");
  return connect(options);
}

async function request(
  connection: NatsRequester,
  defaults: { readonly subject: string; readonly timeoutMs: number },
  step: NatsStep,
  onEvent: (event: StepEvent) => void,
): Promise<StepOutcome> {
  const builder = new StepBuilder(onEvent);
  const startedAt = performance.now();
  try {
    const reply = await connection.request(step.subject ?? defaults.subject, step.payload, {
      timeout: defaults.timeoutMs,
    });
    const at = performance.now();
    builder.byte(at);
    builder.token(at, "content", reply.string());
    builder.done(at, "stop");
  } catch (thrown) {
    // A request that failed is a result of the load test, with the client's name for what happened.
    const at = performance.now();
    builder.fail(at, `NATS_${thrown instanceof Error ? thrown.name : "Error"}`, messageOf(thrown));
    builder.done(at, "error");
  }
  return builder.outcome(startedAt, performance.now());
}
