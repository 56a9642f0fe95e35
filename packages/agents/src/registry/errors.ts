import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type RegistryErrorCode =
  | "REGISTRY_NAME_TAKEN"
  | "REGISTRY_NOT_FOUND"
  | "REGISTRY_METADATA_INVALID"
  | "REGISTRY_QUERY_INVALID"
  | "REGISTRY_FULL";

export const registryErrors: ErrorCatalogue<RegistryErrorCode> = defineErrors({
  REGISTRY_NAME_TAKEN: {
    next: "Choose another name or namespace, or unregister the agent that has it.",
    exitCode: exitCodes.usage,
  },
  REGISTRY_NOT_FOUND: {
    next: "Register the agent first; an entry vanishes when its agent dies.",
    exitCode: exitCodes.usage,
  },
  REGISTRY_METADATA_INVALID: { next: "Correct the metadata that the message names.", exitCode: exitCodes.usage },
  REGISTRY_QUERY_INVALID: { next: "Correct the query that the message names.", exitCode: exitCodes.usage },
  REGISTRY_FULL: {
    next: "Unregister agents that are done with, or raise maxAgents.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
});
