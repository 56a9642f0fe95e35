import type { Migration } from "../migrate.ts";

/**
 * What statements of a tenant's users may read: views of the tenant's own rows. Whose they are is told by the role that logged
 * in, which no statement can change, unlike a setting or the current role. security_barrier: a condition of the statement that
 * fails for some row, or tells about it, is only ever tried on rows that pass the view's own condition.
 */
export const tenantViews: Migration = {
  name: "0011-tenant-views",
  sql: `
CREATE TABLE tenant_readers (
  role name PRIMARY KEY,
  tenant_id uuid NOT NULL UNIQUE REFERENCES tenants ON DELETE CASCADE,
  password text NOT NULL
);
CREATE SCHEMA tenant_view;
CREATE VIEW tenant_view.documents WITH (security_barrier) AS
  SELECT id, title, category, format, chunks, characters, created_at FROM public.knowledge_documents
  WHERE tenant_id = (SELECT tenant_id FROM public.tenant_readers WHERE role = session_user);
CREATE VIEW tenant_view.passages WITH (security_barrier) AS
  SELECT key AS id, document_id, number, heading, page, text FROM public.knowledge_chunks
  WHERE tenant_id = (SELECT tenant_id FROM public.tenant_readers WHERE role = session_user);
CREATE VIEW tenant_view.executions WITH (security_barrier) AS
  SELECT id, user_id, agent_type, task ->> 'type' AS task_type, state, attempts, created_at, started_at, ended_at,
    extract(epoch FROM ended_at - started_at) * 1000 AS duration_ms
  FROM public.executions
  WHERE tenant_id = (SELECT tenant_id FROM public.tenant_readers WHERE role = session_user);
CREATE VIEW tenant_view.users WITH (security_barrier) AS
  SELECT id, name, role, created_at FROM public.users
  WHERE tenant_id = (SELECT tenant_id FROM public.tenant_readers WHERE role = session_user);
`,
};
