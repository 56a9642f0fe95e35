import type { Migration } from "../migrate.ts";

/** What a task saved for its next attempt, should this one be cut off. */
export const executionCheckpoints: Migration = {
  name: "0003-execution-checkpoints",
  sql: "ALTER TABLE executions ADD COLUMN checkpoint jsonb;",
};
