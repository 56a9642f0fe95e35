import type { Message } from "./message.ts";

/**
 * Turns outside events into messages of the agent that started it.
 *
 * @example
 * const temperature: Sensor = {
 *   name: "temperature",
 *   start(emit) {
 *     const read = (celsius: number) => emit({ type: "measured", data: celsius });
 *     device.on("reading", read);
 *     return () => device.off("reading", read);
 *   },
 * };
 */
export interface Sensor {
  /** One sensor of a name per agent: starting it again replaces it. */
  readonly name: string;
  /** Called when the sensor starts; what it returns is called once when it, or its agent, stops. */
  start(emit: (message: Message) => void): (() => void) | void;
}
