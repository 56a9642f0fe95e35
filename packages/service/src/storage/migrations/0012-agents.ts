import type { Migration } from "../migrate.ts";

/** Agents that users have set up: a type and how it is to work. And which test data a database has. */
export const agents: Migration = {
  name: "0012-agents",
  sql: `
CREATE TABLE agents (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  name text NOT NULL,
  agent_type text NOT NULL,
  configuration jsonb NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX agents_tenant ON agents (tenant_id, agent_type);
CREATE VIEW tenant_view.agents WITH (security_barrier) AS
  SELECT id, name, agent_type, configuration, created_at FROM public.agents
  WHERE tenant_id = (SELECT tenant_id FROM public.tenant_readers WHERE role = session_user);
CREATE TABLE seeded (
  part text PRIMARY KEY,
  seed bigint NOT NULL,
  rows integer NOT NULL
);
`,
};
