/** A question to what a tenant knows. */
export interface KnowledgeQuery {
  /** Nothing of another tenant is ever found. */
  readonly tenantId: string;
  readonly text: string;
  /** Passages at most, 1…100. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** A piece of a document, as an agent may quote it. */
export interface Passage {
  /** Of the document, and of the piece in it: together they are what a citation points to. */
  readonly documentId: string;
  readonly passageId: string;
  readonly title: string;
  readonly text: string;
  /** How well it answers, 0…1; 1 is the same words. Comparable within one answer only. */
  readonly score: number;
}

/** Finds passages, the best first. What agents see of the knowledge base; an empty answer means that nothing fits. */
export interface KnowledgeSearch {
  search(query: KnowledgeQuery): Promise<readonly Passage[]>;
}
