import type { Migration } from "../migrate.ts";

/**
 * A passage may have vectors of two models while the model changes. `model` of a tenant is what its searches go by; the other
 * columns tell how far the change to another one is. Which model is to be used is what an instance was started with last.
 */
export const knowledgeModels: Migration = {
  name: "0013-knowledge-models",
  sql: `
ALTER TABLE knowledge_vectors DROP CONSTRAINT knowledge_vectors_pkey, ADD PRIMARY KEY (key, model);
CREATE INDEX knowledge_vectors_model ON knowledge_vectors (model, tenant_id, key);
ALTER TABLE knowledge_states
  ADD COLUMN model text,
  ADD COLUMN changing_to text,
  ADD COLUMN changed bigint,
  ADD COLUMN to_change bigint;
UPDATE knowledge_states s SET model = (
  SELECT v.model FROM knowledge_vectors v WHERE v.tenant_id = s.tenant_id GROUP BY v.model ORDER BY count(*) DESC LIMIT 1);
CREATE TABLE knowledge_models (
  model text PRIMARY KEY,
  base_url text,
  used_at timestamptz NOT NULL
);
`,
};
