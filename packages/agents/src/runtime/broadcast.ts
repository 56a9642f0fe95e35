import type { Message } from "../agent/message.ts";
import type { AnyRef } from "../agent/ref.ts";
import type { Link } from "../shards/link.ts";
import type { Target } from "../shards/protocol.ts";
import { RemoteRef } from "../shards/remote-ref.ts";

/** What became of a message for many. */
export interface Broadcast {
  /** Agents that it was handed to, or sent off to. */
  readonly reached: number;
  /** Errors of the others, as `send` throws them. */
  readonly refused: readonly { readonly agent: AnyRef; readonly error: unknown }[];
}

/**
 * Sends one message to all of them. With `tree` each other thread gets it once, with the list of its agents, and hands it
 * out; without, once for each agent. One that cannot take it does not keep it from the rest.
 */
export function broadcast(agents: Iterable<AnyRef>, message: Message, tree: boolean): Broadcast {
  const refused: { readonly agent: AnyRef; readonly error: unknown }[] = [];
  const byLink = new Map<Link, RemoteRef[]>();
  let reached = 0;
  for (const agent of agents) {
    const link = tree && agent instanceof RemoteRef ? agent.link : undefined;
    if (link !== undefined) {
      const others = byLink.get(link);
      if (others === undefined) byLink.set(link, [agent as RemoteRef]);
      else others.push(agent as RemoteRef);
      continue;
    }
    try {
      agent.send(message);
      reached += 1;
    } catch (error) {
      refused.push({ agent, error });
    }
  }
  for (const [link, refs] of byLink) {
    try {
      link.broadcast(
        refs.map(({ target }): Target => target),
        message,
      );
      reached += refs.length;
    } catch (error) {
      for (const agent of refs) refused.push({ agent, error });
    }
  }
  return { reached, refused };
}
