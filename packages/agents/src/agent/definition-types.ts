import type { FailurePolicy } from "./message.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** A definition as the runtime sees it; `compiled` is the agent package's own. */
export interface AnyDefinition {
  readonly name: string;
  readonly module: string | undefined;
  readonly compiled: unknown;
}

/** What {@link defineAgent} returns. The type parameters are only seen by the compiler. */
export interface AgentDefinition<State, P> extends AnyDefinition {
  readonly onFailure: FailurePolicy;
  readonly schema: StandardSchema<unknown, State> | undefined;
  /** Never present at run time. */
  readonly types?: { readonly state: State; readonly protocol: P };
}
