/** What a platform of agents can be asked to do; see the adapters for who can do what. */
export type Capability = "agents" | "registry" | "signals" | "variables" | "coordination";
