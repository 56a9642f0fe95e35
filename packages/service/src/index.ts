export { type AgentTask, type AgentType, type TaskContext, TaskFailure } from "./agents/agent-type.ts";
export type { KnowledgeQuery, KnowledgeSearch, Passage } from "./agents/knowledge-search.ts";
export { type Role, roles } from "./auth/principal.ts";
export { loadConfig } from "./config/load-config.ts";
export { type ServiceConfig, settings } from "./config/settings.ts";
export { type Setting } from "./config/setting.ts";
export { type ServiceErrorCode, serviceErrors } from "./errors.ts";
export { type Service, type ServiceOptions, startService } from "./service.ts";
