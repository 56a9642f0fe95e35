import { timeOrderedId } from "@mettle/core";
import type { Database, Queries } from "../storage/database.ts";
import type { Chunk } from "./documents/chunks.ts";
import type { DocumentFormat } from "./documents/prepare.ts";
import { toFloat16 } from "./index/float16.ts";

export interface NewDocument {
  readonly tenantId: string;
  readonly userId: string;
  readonly title: string;
  readonly category: string | undefined;
  readonly format: DocumentFormat;
  readonly digest: Buffer;
  readonly characters: number;
  readonly createdAt: Date;
  readonly chunks: readonly Chunk[];
  /** One for each chunk. */
  readonly vectors: readonly Float32Array[];
  readonly model: string;
  /** By the model before, while the tenant's searches still go by that. */
  readonly further?: readonly ModelVectors[];
}

interface ModelVectors {
  readonly model: string;
  readonly vectors: readonly Float32Array[];
}

export interface KnowledgeState {
  /** How often the tenant's knowledge has changed. */
  readonly version: number;
  /** What its searches go by; undefined while it has no passage. */
  readonly model: string | undefined;
}

export interface StoredDocument {
  readonly id: string;
  readonly title: string;
  readonly category: string | null;
  readonly format: DocumentFormat;
  readonly chunks: number;
  readonly characters: number;
  readonly createdAt: Date;
}

/** A chunk with its document, as searches show it. */
export interface FoundChunk {
  readonly key: number;
  readonly documentId: string;
  readonly title: string;
  readonly category: string | null;
  readonly number: number;
  readonly text: string;
  readonly heading: string | null;
  readonly page: number | null;
}

export interface StoredVector {
  readonly key: number;
  readonly version: number;
  readonly vector: Uint8Array;
}

interface DocumentRow {
  readonly id: string;
  readonly title: string;
  readonly category: string | null;
  readonly format: DocumentFormat;
  readonly chunks: number;
  readonly characters: number;
  readonly created_at: Date;
}

const documentColumns = "id, title, category, format, chunks, characters, created_at";
/** Rows in one statement: what they hold goes through memory on both sides. */
const rowsAtOnce = 1000;

/** Documents in the database. Every statement names the tenant. */
export class KnowledgeStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns the document that has this content already, when there is one, with `added` false */
  async add(document: NewDocument): Promise<{ readonly document: StoredDocument; readonly added: boolean }> {
    return this.#database.transaction(async (queries) => {
      const row = await insertDocument(queries, document);
      if (!row) return { document: await existing(queries, document), added: false };
      const keys = await insertChunks(queries, document, row.id);
      await insertVectors(queries, document, keys);
      return { document: documentOf(row), added: true };
    });
  }

  /**
   * Many small documents of one tenant in one step. Those whose content is there already are left alone.
   *
   * @returns how many are new
   */
  async addMany(documents: readonly NewDocument[]): Promise<number> {
    return this.#database.transaction(async (queries) => {
      const rows = await insertDocuments(queries, documents);
      const ids = new Map(rows.map(({ id, digest }) => [digest.toString("hex"), id]));
      const added = documents.flatMap((document) => {
        const id = ids.get(document.digest.toString("hex"));
        ids.delete(document.digest.toString("hex")); // the same content twice in one step is one document
        return id === undefined ? [] : [{ document, id }];
      });
      const [first] = added;
      if (!first) return 0;
      const chunks = added.flatMap(({ document, id }) =>
        document.chunks.map((chunk, number) => ({ chunk, number, id })),
      );
      const keys = await insertChunksOf(queries, first.document.tenantId, chunks);
      const vectors = added.flatMap(({ document }) => document.vectors);
      await insertVectors(queries, { ...first.document, vectors }, keys);
      return added.length;
    });
  }

  /** @returns false when the tenant has no such document */
  async remove(tenantId: string, id: string): Promise<boolean> {
    return this.#database.transaction(async (queries) => {
      const keys = await queries.query<{ key: string }>(
        "SELECT key FROM knowledge_chunks WHERE document_id = $2 AND tenant_id = $1",
        [tenantId, id],
      );
      const removed = await queries.run("DELETE FROM knowledge_documents WHERE tenant_id = $1 AND id = $2", [
        tenantId,
        id,
      ]);
      if (removed === 0) return false;
      const version = await nextVersion(queries, tenantId);
      await queries.run("INSERT INTO knowledge_removals (tenant_id, version, keys) VALUES ($1, $2, $3)", [
        tenantId,
        version,
        keys.map(({ key }) => key),
      ]);
      return true;
    });
  }

  async find(tenantId: string, id: string): Promise<StoredDocument | undefined> {
    const [row] = await this.#database.query<DocumentRow>(
      `SELECT ${documentColumns} FROM knowledge_documents WHERE tenant_id = $1 AND id = $2`,
      [tenantId, id],
    );
    return row && documentOf(row);
  }

  /** The newest first. @param after - id of the last one of the page before */
  async list(
    tenantId: string,
    limit: number,
    { after, category }: { readonly after?: string | undefined; readonly category?: string | undefined },
  ): Promise<{ readonly documents: readonly StoredDocument[]; readonly next: string | undefined }> {
    const rows = await this.#database.query<DocumentRow>(
      `SELECT ${documentColumns} FROM knowledge_documents
       WHERE tenant_id = $1 AND ($2::text IS NULL OR category = $2)
         AND ($3::uuid IS NULL OR (created_at, id) <
           (SELECT created_at, id FROM knowledge_documents WHERE tenant_id = $1 AND id = $3))
       ORDER BY created_at DESC, id DESC LIMIT $4`,
      [tenantId, category ?? null, after ?? null, limit + 1],
    );
    const documents = rows.slice(0, limit).map(documentOf);
    return { documents, next: rows.length > limit ? documents.at(-1)?.id : undefined };
  }

  /** Which of the chunks are there and belong to the tenant, with their documents, in no order. */
  async chunks(tenantId: string, keys: readonly number[], category?: string): Promise<readonly FoundChunk[]> {
    const rows = await this.#database.query<Omit<FoundChunk, "key"> & { readonly key: string }>(
      `SELECT c.key, c.document_id AS "documentId", d.title, d.category, c.number, c.text, c.heading, c.page
       FROM knowledge_chunks c JOIN knowledge_documents d ON d.id = c.document_id
       WHERE c.key = ANY($2::bigint[]) AND c.tenant_id = $1 AND d.tenant_id = $1 AND ($3::text IS NULL OR d.category = $3)`,
      [tenantId, keys, category ?? null],
    );
    return rows.map((row) => ({ ...row, key: Number(row.key) }));
  }

  /** All chunks of a document in their order. */
  async textOf(
    tenantId: string,
    id: string,
  ): Promise<readonly Pick<FoundChunk, "number" | "text" | "heading" | "page">[]> {
    return this.#database.query(
      "SELECT number, text, heading, page FROM knowledge_chunks WHERE tenant_id = $1 AND document_id = $2 ORDER BY number",
      [tenantId, id],
    );
  }

  async stateOf(tenantId: string): Promise<KnowledgeState> {
    const [row] = await this.#database.query<{ version: string; model: string | null }>(
      "SELECT version, model FROM knowledge_states WHERE tenant_id = $1",
      [tenantId],
    );
    return { version: Number(row?.version ?? 0), model: row?.model ?? undefined };
  }

  /** Vectors that came after a place, up to a version, in order. */
  async vectors(
    tenantId: string,
    model: string,
    after: { readonly version: number; readonly key: number },
    version: number,
    limit: number,
  ): Promise<readonly StoredVector[]> {
    const rows = await this.#database.query<{ key: string; version: string; vector: Buffer }>(
      `SELECT key, version, vector FROM knowledge_vectors
       WHERE tenant_id = $1 AND model = $2 AND (version, key) > ($3, $4) AND version <= $5
       ORDER BY version, key LIMIT $6`,
      [tenantId, model, after.version, after.key, version, limit],
    );
    return rows.map(({ key, version: at, vector }) => ({ key: Number(key), version: Number(at), vector }));
  }

  async removedKeys(tenantId: string, after: number, version: number): Promise<readonly number[]> {
    const rows = await this.#database.query<{ keys: readonly string[] }>(
      "SELECT keys FROM knowledge_removals WHERE tenant_id = $1 AND version > $2 AND version <= $3",
      [tenantId, after, version],
    );
    return rows.flatMap(({ keys }) => keys.map(Number));
  }
}

async function insertDocuments(
  queries: Queries,
  documents: readonly NewDocument[],
): Promise<readonly { readonly id: string; readonly digest: Buffer }[]> {
  return queries.query(
    `INSERT INTO knowledge_documents
       (id, tenant_id, title, category, format, digest, chunks, characters, created_by, created_at)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::int[], $8::int[],
       $9::uuid[], $10::timestamptz[])
     ON CONFLICT (tenant_id, digest) DO NOTHING RETURNING id, digest`,
    [
      documents.map(() => timeOrderedId()),
      documents.map(({ tenantId }) => tenantId),
      documents.map(({ title }) => title),
      documents.map(({ category }) => category ?? null),
      documents.map(({ format }) => format),
      documents.map(({ digest }) => digest),
      documents.map(({ chunks }) => chunks.length),
      documents.map(({ characters }) => characters),
      documents.map(({ userId }) => userId),
      documents.map(({ createdAt }) => createdAt),
    ],
  );
}

interface NewChunk {
  readonly chunk: Chunk;
  readonly number: number;
  /** Of its document. */
  readonly id: string;
}

/** @returns the keys in the order of the chunks */
async function insertChunksOf(
  queries: Queries,
  tenantId: string,
  chunks: readonly NewChunk[],
): Promise<readonly string[]> {
  const rows = await queries.query<{ key: string; number: number; id: string }>(
    `INSERT INTO knowledge_chunks (tenant_id, document_id, number, text, heading, page)
     SELECT $1, id, number, text, heading, page
     FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::int[]) AS t (id, number, text, heading, page)
     RETURNING key, number, document_id AS id`,
    [
      tenantId,
      chunks.map(({ id }) => id),
      chunks.map(({ number }) => number),
      chunks.map(({ chunk }) => chunk.text),
      chunks.map(({ chunk }) => chunk.heading ?? null),
      chunks.map(({ chunk }) => chunk.page ?? null),
    ],
  );
  const keys = new Map(rows.map(({ key, number, id }) => [`${id} ${number}`, key]));
  return chunks.map(({ id, number }) => keys.get(`${id} ${number}`) as string);
}

async function insertDocument(queries: Queries, document: NewDocument): Promise<DocumentRow | undefined> {
  const { tenantId, userId, title, category, format, digest, characters, createdAt, chunks } = document;
  const [row] = await queries.query<DocumentRow>(
    `INSERT INTO knowledge_documents
       (id, tenant_id, title, category, format, digest, chunks, characters, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (tenant_id, digest) DO NOTHING RETURNING ${documentColumns}`,
    [timeOrderedId(), tenantId, title, category ?? null, format, digest, chunks.length, characters, userId, createdAt],
  );
  return row;
}

async function existing(queries: Queries, { tenantId, digest }: NewDocument): Promise<StoredDocument> {
  const [row] = await queries.query<DocumentRow>(
    `SELECT ${documentColumns} FROM knowledge_documents WHERE tenant_id = $1 AND digest = $2`,
    [tenantId, digest],
  );
  return documentOf(row as DocumentRow);
}

/** @returns the keys in the order of the chunks */
async function insertChunks(
  queries: Queries,
  { tenantId, chunks }: NewDocument,
  id: string,
): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let from = 0; from < chunks.length; from += rowsAtOnce) {
    const some = chunks.slice(from, from + rowsAtOnce).map((chunk, i) => ({ chunk, number: from + i, id }));
    keys.push(...(await insertChunksOf(queries, tenantId, some)));
  }
  return keys;
}

async function insertVectors(queries: Queries, document: NewDocument, keys: readonly string[]): Promise<void> {
  const { tenantId, vectors, model, further = [] } = document;
  // Late: from here on nobody else can change the tenant's knowledge until this transaction has ended.
  const version = await nextVersion(queries, tenantId, model);
  for (const { model: by, vectors: all } of [{ model, vectors }, ...further]) {
    for (let from = 0; from < keys.length; from += rowsAtOnce) {
      await queries.run(
        `INSERT INTO knowledge_vectors (key, tenant_id, version, model, vector)
         SELECT key, $1, $2, $3, vector FROM unnest($4::bigint[], $5::bytea[]) AS t (key, vector)`,
        [tenantId, version, by, keys.slice(from, from + rowsAtOnce), all.slice(from, from + rowsAtOnce).map(toFloat16)],
      );
    }
  }
}

/**
 * Nobody else can change the tenant's knowledge until the transaction has ended.
 *
 * @param model - what searches go by, where this is the tenant's first change
 */
export async function nextVersion(queries: Queries, tenantId: string, model?: string): Promise<string> {
  const [row] = await queries.query<{ version: string }>(
    `INSERT INTO knowledge_states (tenant_id, version, model) VALUES ($1, 1, $2)
     ON CONFLICT (tenant_id) DO UPDATE SET version = knowledge_states.version + 1 RETURNING version`,
    [tenantId, model ?? null],
  );
  return (row as { version: string }).version;
}

const documentOf = ({ created_at: createdAt, ...row }: DocumentRow): StoredDocument => ({ ...row, createdAt });
