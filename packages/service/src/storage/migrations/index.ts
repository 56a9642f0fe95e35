import type { Migration } from "../migrate.ts";
import { executions } from "./0002-executions.ts";
import { executionCheckpoints } from "./0003-execution-checkpoints.ts";
import { knowledge } from "./0010-knowledge.ts";
import { tenantViews } from "./0011-tenant-views.ts";
import { agents } from "./0012-agents.ts";
import { knowledgeModels } from "./0013-knowledge-models.ts";
import { logMessages } from "./0014-log-messages.ts";
import { users } from "./0001-users.ts";

/** All steps of the schema. */
export const migrations: readonly Migration[] = [
  users,
  executions,
  executionCheckpoints,
  knowledge,
  tenantViews,
  agents,
  knowledgeModels,
  logMessages,
];
