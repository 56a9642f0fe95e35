import type { AnyRef } from "../agent/ref.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { RegistryOptions } from "./registry.ts";

/**
 * Makes the entries of a registry vanish with the agents of a runtime. An agent that its supervisor may start again keeps
 * its entries.
 *
 * @example
 * const registry = new AgentRegistry<AnyRef>({ watch: watchAgents(runtime) });
 */
export function watchAgents(runtime: Pick<Runtime, "monitor">): NonNullable<RegistryOptions<AnyRef>["watch"]> {
  return (agent, gone) =>
    runtime.monitor(agent, ({ mayRestart }) => {
      if (!mayRestart) gone();
    });
}
