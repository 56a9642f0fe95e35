import { RequestFailure } from "../../http/failure.ts";
import { type Embedder, normalize } from "./embedder.ts";

export interface RemoteEmbedderOptions {
  /** Such as `https://host/v1`; `/embeddings` is added. */
  readonly baseUrl: string;
  readonly name: string;
  readonly apiKey: string | undefined;
  readonly dimensions: number;
  readonly fetch?: typeof fetch;
}

const batch = 64;
const timeoutMs = 30_000;

interface Answer {
  readonly data?: readonly { readonly index?: number; readonly embedding?: readonly number[] }[];
}

/** Embeds by any server that speaks OpenAI's embeddings interface. */
export class RemoteEmbedder implements Embedder {
  readonly model: string;
  readonly dimensions: number;
  readonly #options: RemoteEmbedderOptions;

  constructor(options: RemoteEmbedderOptions) {
    this.#options = options;
    this.dimensions = options.dimensions;
    this.model = `${options.name}/${options.dimensions}`;
  }

  /** @throws RequestFailure `EMBEDDING_FAILED` */
  async embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]> {
    const vectors: Float32Array[] = [];
    for (let from = 0; from < texts.length; from += batch) {
      vectors.push(...(await this.#embedBatch(texts.slice(from, from + batch), signal)));
    }
    return vectors;
  }

  async #embedBatch(input: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array[]> {
    const { baseUrl, name, apiKey, fetch: send = fetch } = this.#options;
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await send(`${baseUrl.replace(/\/$/, "")}/embeddings`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify({ model: name, input, encoding_format: "float" }),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      return this.#vectorsOf((await response.json()) as Answer, input.length);
    } catch (cause) {
      throw new RequestFailure("bad_gateway", "EMBEDDING_FAILED", "The embedding model did not answer as expected.", {
        cause,
      });
    }
  }

  #vectorsOf({ data = [] }: Answer, expected: number): readonly Float32Array[] {
    const vectors = Array.from<Float32Array | undefined>({ length: expected });
    for (const [i, { index = i, embedding = [] }] of data.entries()) {
      if (embedding.length !== this.dimensions) {
        throw new Error(
          `it gave ${embedding.length} dimensions where ${this.dimensions} are set (EMBEDDING_DIMENSIONS)`,
        );
      }
      vectors[index] = normalize(Float32Array.from(embedding));
    }
    return vectors.map((vector, i) => {
      if (!vector) throw new Error(`it left out text ${i} of ${expected}`);
      return vector;
    });
  }
}
