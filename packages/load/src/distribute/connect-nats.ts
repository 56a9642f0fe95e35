import type { NatsEvents, NatsOptions } from "./nats-transport.ts";
import type { Transport } from "./transport.ts";

/**
 * Connects to a NATS server, with a client that is read only now: most load tests have one machine. A connection that breaks
 * later is made again for as long as it takes.
 *
 * @throws MettleError `LOAD_NATS_OPTIONS_INVALID`, `LOAD_NATS_UNREACHABLE`
 */
export async function connectNats(options: NatsOptions, name: string, events?: NatsEvents): Promise<Transport> {
  const transport = await import("./nats-transport.ts");
  return await transport.connectNats(options, name, events);
}
