import type { Migration } from "../migrate.ts";

/**
 * Documents, the chunks that searches find, and their vectors. `version` counts a tenant's changes; it is raised under the
 * lock of the tenant's row and kept to the end of the transaction, so that versions become visible in order and whoever has
 * seen one has seen all before it: that is how instances keep their indices up to date.
 */
export const knowledge: Migration = {
  name: "0010-knowledge",
  sql: `
CREATE TABLE knowledge_states (
  tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
  version bigint NOT NULL
);
CREATE TABLE knowledge_documents (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  title text NOT NULL,
  category text,
  format text NOT NULL,
  -- Of the content: the same one again is the same document.
  digest bytea NOT NULL,
  chunks integer NOT NULL,
  characters integer NOT NULL,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX knowledge_documents_digest ON knowledge_documents (tenant_id, digest);
CREATE INDEX knowledge_documents_list ON knowledge_documents (tenant_id, created_at DESC, id DESC);
CREATE TABLE knowledge_chunks (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL,
  document_id uuid NOT NULL REFERENCES knowledge_documents ON DELETE CASCADE,
  number integer NOT NULL,
  text text NOT NULL,
  heading text,
  page integer,
  words tsvector NOT NULL GENERATED ALWAYS AS
    (setweight(to_tsvector('english', coalesce(heading, '')), 'A') || to_tsvector('english', text)) STORED
);
CREATE UNIQUE INDEX knowledge_chunks_document ON knowledge_chunks (document_id, number);
-- Without a list of what is not sorted in yet, which every search would have to read.
CREATE INDEX knowledge_chunks_words ON knowledge_chunks USING gin (words) WITH (fastupdate = off);
-- So that the statistics know how frequent the frequent words are.
ALTER TABLE knowledge_chunks ALTER COLUMN words SET STATISTICS 1000;
CREATE TABLE knowledge_vectors (
  key bigint PRIMARY KEY REFERENCES knowledge_chunks ON DELETE CASCADE,
  tenant_id uuid NOT NULL,
  version bigint NOT NULL,
  model text NOT NULL,
  -- 16-bit floating point, little endian.
  vector bytea NOT NULL
);
ALTER TABLE knowledge_vectors ALTER COLUMN vector SET STORAGE EXTERNAL;
CREATE INDEX knowledge_vectors_changes ON knowledge_vectors (tenant_id, version, key);
CREATE TABLE knowledge_removals (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  version bigint NOT NULL,
  keys bigint[] NOT NULL,
  PRIMARY KEY (tenant_id, version)
);
`,
};
