import { type Clock, ms } from "@mettle/core";
import type { HttpClient } from "../http/exchange.ts";
import { nowMs } from "./engine-clock.ts";

/** Gives requests their turn so that no more than a rate leave: k6's `rps`. One a worker. */
export class RequestPacer {
  readonly #clock: Clock;
  readonly #gapMs: number;
  #nextMs = 0;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#gapMs = 1000 / perSecond;
  }

  /** How long to wait for the turn that this call takes. */
  takeTurnMs(): number {
    const now = nowMs(this.#clock);
    const turn = Math.max(now, this.#nextMs);
    this.#nextMs = turn + this.#gapMs;
    return turn - now;
  }

  async turn(signal: AbortSignal | undefined): Promise<void> {
    const wait = this.takeTurnMs();
    if (wait > 0) await this.#clock.sleep(ms(wait), signal);
  }
}

/** A client whose requests wait for their turn first. */
export function limitedClient(client: HttpClient, pacer: RequestPacer): HttpClient {
  return {
    send: async (request, onChunk) => {
      await pacer.turn(request.signal);
      return client.send(request, onChunk);
    },
    closeIdle: () => {
      client.closeIdle();
    },
    close: () => {
      client.close();
    },
  };
}
