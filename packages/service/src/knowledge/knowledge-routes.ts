import { type Static, Type } from "typebox";
import { principalOf } from "../auth/authentication.ts";
import type { App } from "../http/app.ts";
import type { Timings } from "../telemetry/timings.ts";
import { RequestFailure } from "../http/failure.ts";
import { bearer, failures, strict } from "../http/schemas.ts";
import type { DocumentFormat } from "./documents/prepare.ts";
import type { KnowledgeBase } from "./knowledge-base.ts";
import type { KnowledgeStore, StoredDocument } from "./knowledge-store.ts";
import type { ModelStore } from "./model-change/model-store.ts";
import { assembleContext } from "./search/context.ts";
import type { SearchHit } from "./search/hit.ts";

export interface KnowledgeParts {
  readonly knowledge: KnowledgeBase;
  readonly store: KnowledgeStore;
  readonly models: ModelStore;
  readonly uploadLimit: number;
  readonly timings: Timings;
}

/** Uploads are bodies of these types as they are: nothing is unpacked, and no file name means anything. */
const formats: Readonly<Record<string, DocumentFormat>> = {
  "text/plain": "text",
  "text/markdown": "markdown",
  "text/html": "html",
  "application/pdf": "pdf",
};

const title = Type.String({ minLength: 1, maxLength: 300, pattern: "^[^\\u0000-\\u001f\\u007f]+$" });
const category = Type.String({ minLength: 1, maxLength: 100, pattern: "^[^\\u0000-\\u001f\\u007f]+$" });
const question = Type.String({ minLength: 1, maxLength: 4000, pattern: "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$" });
const nullable = <T extends Type.TSchema>(schema: T): Type.TUnion<[T, Type.TNull]> => Type.Union([schema, Type.Null()]);

const documentSchema = Type.Object(
  {
    document_id: Type.String(),
    title: Type.String(),
    category: nullable(Type.String()),
    format: Type.String(),
    chunks: Type.Integer(),
    characters: Type.Integer(),
    created_at: Type.String(),
  },
  { title: "Document" },
);
const hitSchema = Type.Object(
  {
    document_id: Type.String(),
    chunk_id: Type.String(),
    number: Type.Integer(),
    title: Type.String(),
    category: nullable(Type.String()),
    heading: nullable(Type.String()),
    page: nullable(Type.Integer()),
    text: Type.String(),
    score: Type.Number(),
    similarity: nullable(Type.Number()),
  },
  { title: "SearchHit" },
);
const searchBody = strict({
  query: question,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  category: Type.Optional(category),
});
const citationSchema = Type.Object(
  {
    number: Type.Integer(),
    document_id: Type.String(),
    title: Type.String(),
    heading: nullable(Type.String()),
    page: nullable(Type.Integer()),
    chunks: Type.Array(Type.Integer()),
    score: Type.Number(),
  },
  { title: "Citation" },
);
const byId = strict({ id: Type.String({ format: "uuid" }) });
const secured = { tags: ["knowledge"], security: bearer };
const ways = Type.Union([Type.Literal("meaning and words"), Type.Literal("words")]);

/** Documents in, passages out. */
export async function knowledgeRoutes(app: App, parts: KnowledgeParts): Promise<void> {
  searchRoutes(app, parts);
  statusRoute(app, parts);
  documentRoutes(app, parts);
  await app.register(async (uploads) => uploadRoute(uploads as unknown as App, parts));
}

function searchRoutes(app: App, { knowledge, timings }: KnowledgeParts): void {
  app.post(
    "/knowledge/search",
    {
      schema: {
        ...secured,
        summary: "Passages that answer a question, by meaning and by words",
        body: searchBody,
        response: { 200: Type.Object({ results: Type.Array(hitSchema), searched_by: ways }), ...failures },
      },
    },
    async (request) => {
      const { tenantId } = principalOf(request);
      const { query: text, limit = 10, category: only } = request.body;
      const { hits, ways: by } = await knowledge.search({ tenantId, text, limit, category: only });
      return { results: hits.map(shownHit), searched_by: by };
    },
  );
  app.post(
    "/knowledge/context",
    {
      schema: {
        ...secured,
        summary: "One text of the best passages within a budget of tokens, with citations",
        body: strict({
          query: question,
          max_tokens: Type.Optional(Type.Integer({ minimum: 50, maximum: 100_000 })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
          category: Type.Optional(category),
        }),
        response: {
          200: Type.Object({
            context: Type.String(),
            citations: Type.Array(citationSchema),
            tokens: Type.Integer(),
            left_out: Type.Integer(),
            searched_by: ways,
          }),
          ...failures,
        },
      },
    },
    async (request) => {
      const { tenantId } = principalOf(request);
      const { query: text, limit = 30, max_tokens: most = 2000, category: only } = request.body;
      const { hits, ways: by } = await knowledge.search({ tenantId, text, limit, category: only });
      const { text: context, citations, tokens, leftOut } = timings.ofNow("context", () => assembleContext(hits, most));
      return {
        context,
        citations: citations.map(({ documentId, chunks, ...rest }) => ({
          ...rest,
          document_id: documentId,
          chunks: [...chunks],
        })),
        tokens,
        left_out: leftOut,
        searched_by: by,
      };
    },
  );
}

function statusRoute(app: App, { store, models }: KnowledgeParts): void {
  app.get(
    "/knowledge/status",
    {
      schema: {
        ...secured,
        summary: "By which model passages are searched, and how far the change to another one is",
        response: {
          200: Type.Object({
            version: Type.Integer(),
            searched_by: nullable(Type.String()),
            changing: nullable(Type.Object({ model: Type.String(), done: Type.Integer(), total: Type.Integer() })),
          }),
          ...failures,
        },
      },
    },
    async (request) => {
      const { tenantId } = principalOf(request);
      const [{ version, model }, changing] = await Promise.all([store.stateOf(tenantId), models.changeOf(tenantId)]);
      return { version, searched_by: model ?? null, changing: changing ? { ...changing } : null };
    },
  );
}

function documentRoutes(app: App, { knowledge, store }: KnowledgeParts): void {
  app.get(
    "/knowledge/documents",
    {
      schema: {
        ...secured,
        summary: "The tenant's documents, the newest first",
        querystring: strict({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
          after: Type.Optional(Type.String({ format: "uuid" })),
          category: Type.Optional(category),
        }),
        response: {
          200: Type.Object({ documents: Type.Array(documentSchema), next: Type.Optional(Type.String()) }),
          ...failures,
        },
      },
    },
    async (request) => {
      const { limit = 20, after, category: only } = request.query;
      const { documents, next } = await store.list(principalOf(request).tenantId, limit, { after, category: only });
      return { documents: documents.map(shown), ...(next !== undefined && { next }) };
    },
  );
  app.get(
    "/knowledge/documents/:id",
    {
      schema: {
        ...secured,
        summary: "A document, with its passages",
        params: byId,
        response: {
          200: Type.Object({
            ...documentSchema.properties,
            passages: Type.Array(
              Type.Object({
                number: Type.Integer(),
                heading: nullable(Type.String()),
                page: nullable(Type.Integer()),
                text: Type.String(),
              }),
            ),
          }),
          ...failures,
        },
      },
    },
    async (request) => {
      const { tenantId } = principalOf(request);
      const document = found(await store.find(tenantId, request.params.id));
      return { ...shown(document), passages: [...(await store.textOf(tenantId, document.id))] };
    },
  );
  app.delete(
    "/knowledge/documents/:id",
    {
      schema: { ...secured, summary: "Forgets a document", params: byId, response: { 204: Type.Null(), ...failures } },
    },
    async (request, reply) => {
      if (!(await knowledge.remove(principalOf(request).tenantId, request.params.id))) throw unknownDocument();
      return reply.code(204).send(null);
    },
  );
}

/** In a scope of its own: only here a body may be a document. */
function uploadRoute(app: App, { knowledge, uploadLimit }: KnowledgeParts): void {
  app.addContentTypeParser(
    Object.keys(formats),
    { parseAs: "buffer", bodyLimit: uploadLimit },
    (_request, body, done) => done(null, body),
  );
  app.post(
    "/knowledge/documents",
    {
      bodyLimit: uploadLimit,
      schema: {
        ...secured,
        summary: "Stores a document: text, Markdown, HTML or PDF as the body",
        description: "The same content again is answered with the document that is there already.",
        consumes: Object.keys(formats),
        querystring: strict({ title: Type.Optional(title), category: Type.Optional(category) }),
        response: { 200: documentSchema, 201: documentSchema, ...failures },
      },
    },
    async (request, reply) => {
      const { tenantId, userId } = principalOf(request);
      if (request.headers["content-encoding"] !== undefined) {
        throw new RequestFailure("unsupported_media_type", "DOCUMENT_COMPRESSED", "Send the document uncompressed.");
      }
      const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
      const format = Object.hasOwn(formats, type) ? formats[type] : undefined;
      if (!format || !Buffer.isBuffer(request.body)) {
        const message = `Send one of ${Object.keys(formats).join(", ")}.`;
        throw new RequestFailure("unsupported_media_type", "DOCUMENT_FORMAT_UNKNOWN", message);
      }
      const { document, added } = await knowledge.add({
        tenantId,
        userId,
        format,
        data: request.body,
        title: request.query.title,
        category: request.query.category,
      });
      return reply
        .code(added ? 201 : 200)
        .header("location", `/knowledge/documents/${document.id}`)
        .send(shown(document));
    },
  );
}

function found(document: StoredDocument | undefined): StoredDocument {
  if (document) return document;
  throw unknownDocument();
}

const unknownDocument = (): RequestFailure =>
  new RequestFailure("not_found", "DOCUMENT_UNKNOWN", "There is no such document.");

const shown = ({ id, createdAt, ...document }: StoredDocument): Static<typeof documentSchema> => ({
  document_id: id,
  ...document,
  created_at: createdAt.toISOString(),
});

const shownHit = ({ documentId, key, similarity, ...hit }: SearchHit): Static<typeof hitSchema> => ({
  ...hit,
  document_id: documentId,
  chunk_id: String(key),
  similarity: similarity ?? null,
});
