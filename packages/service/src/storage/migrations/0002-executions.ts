import type { Migration } from "../migrate.ts";

/**
 * The queue of executions and what each told while it ran. An execution belongs to whoever holds its lease; `fence` rises
 * with each lease, so that a holder that was thought dead changes nothing any more.
 */
export const executions: Migration = {
  name: "0002-executions",
  sql: `
CREATE TABLE executions (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  user_id uuid NOT NULL,
  agent_type text NOT NULL,
  task jsonb NOT NULL,
  idempotency_key text,
  -- Of the request: the same key with another request is a mistake of the caller.
  request_digest text NOT NULL,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  attempts integer NOT NULL DEFAULT 0,
  fence bigint NOT NULL DEFAULT 0,
  lease_owner text,
  lease_until timestamptz,
  cancel_requested boolean NOT NULL DEFAULT false,
  deadline_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  result jsonb,
  error jsonb
);
CREATE UNIQUE INDEX executions_idempotency ON executions (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX executions_queue ON executions (tenant_id, created_at, id) WHERE state = 'queued';
CREATE INDEX executions_running ON executions (lease_until) WHERE state = 'running';
CREATE INDEX executions_history ON executions (tenant_id, created_at DESC, id DESC);
CREATE TABLE execution_events (
  execution_id uuid NOT NULL REFERENCES executions ON DELETE CASCADE,
  fence bigint NOT NULL,
  number integer NOT NULL,
  event jsonb NOT NULL,
  PRIMARY KEY (execution_id, fence, number)
);
`,
};
