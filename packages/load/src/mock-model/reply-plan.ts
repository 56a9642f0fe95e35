import { Random } from "@mettle/core";
import { derivedSeed } from "../agent/seed.ts";
import type { TokenKind } from "../drivers/driver.ts";
import { type Endpoint, type Fault, faultFor } from "./faults.ts";
import { exampleArguments } from "./json-example.ts";
import type { ResolvedMockModel } from "./options.ts";
import { words } from "./words.ts";

/** A function that the caller offers to the model. */
export interface OfferedTool {
  readonly name: string;
  readonly parameters?: unknown;
}

/** What of a request matters to its answer. */
export interface ReplyRequest {
  readonly endpoint: Endpoint;
  /** Counted from 1 within the endpoint, or the caller's own number. */
  readonly number: number;
  readonly inputTokens: number;
  readonly maxTokens?: number;
  readonly tools: readonly OfferedTool[];
  /** `auto` leaves it to the probability; a name forces that function. */
  readonly toolChoice: "auto" | "none" | "required" | { readonly name: string };
  /** Tool results already in the conversation. */
  readonly toolRounds: number;
}

export interface Piece {
  readonly kind: TokenKind;
  readonly text: string;
}

/** Everything about an answer, decided before its first byte. */
export interface ReplyPlan {
  readonly firstTokenAfterMs: number;
  /** The gap before the next token, ms. */
  nextGap(): number;
  readonly pieces: readonly Piece[];
  readonly toolCall?: { readonly id: string; readonly name: string; readonly arguments: string };
  /** Cut by the request's limit. */
  readonly cut: boolean;
  readonly usage: {
    readonly input: number;
    readonly cachedInput: number;
    readonly output: number;
    readonly reasoning: number;
  };
  readonly fault?: Fault;
  /** Tokens before the fault, where it strikes within the answer. */
  readonly faultAfter: number;
}

/**
 * Draws an answer. What is drawn depends on seed, endpoint and number alone, and in a fixed order, so that one setting
 * changed leaves the rest as it was.
 */
export function planReply(model: ResolvedMockModel, request: ReplyRequest): ReplyPlan {
  const { samplers } = model;
  const random = new Random(derivedSeed(model.seed, request.endpoint, request.number));
  const firstTokenAfterMs = samplers.timeToFirstToken(random);
  const wanted = samplers.outputTokens(random);
  const reasoning = samplers.reasoningTokens(random);
  const cachedShare = Math.min(1, samplers.cachedShare(random));
  const toolCall = chooseTool(model, request, random);
  const speech = new Random(derivedSeed(model.seed, request.endpoint, request.number, "words"));
  const word = (): string => words[speech.below(words.length)] ?? "";
  const all: Piece[] = Array.from({ length: reasoning }, () => ({ kind: "reasoning" as const, text: word() }));
  if (toolCall) for (const text of fragments(toolCall.arguments)) all.push({ kind: "tool", text });
  else for (let i = 0; i < wanted; i++) all.push({ kind: "content", text: i === 0 ? word().trimStart() : word() });
  const pieces = request.maxTokens === undefined ? all : all.slice(0, request.maxTokens);
  const gaps = new Random(derivedSeed(model.seed, request.endpoint, request.number, "gaps"));
  const hit = faultFor(model.faults, model.seed, request.endpoint, request.number);
  return {
    firstTokenAfterMs,
    nextGap: () => samplers.gap(gaps),
    pieces,
    cut: pieces.length < all.length,
    ...(toolCall && { toolCall }),
    usage: {
      input: request.inputTokens,
      cachedInput: Math.floor(request.inputTokens * cachedShare),
      output: pieces.length,
      reasoning: Math.min(reasoning, pieces.length),
    },
    ...(hit && { fault: hit.fault }),
    faultAfter: hit ? Math.min(pieces.length, hit.fault.afterTokens ?? Math.floor(hit.place * pieces.length)) : 0,
  };
}

function chooseTool(model: ResolvedMockModel, request: ReplyRequest, random: Random): ReplyPlan["toolCall"] {
  const chance = random.uniform();
  const pick = random.uniform();
  const { tools, toolChoice, toolRounds } = request;
  if (tools.length === 0 || toolChoice === "none") return undefined;
  const forced = toolChoice !== "auto";
  if (!forced && (toolRounds >= model.maxToolRounds || chance >= model.toolCallProbability)) return undefined;
  const named = typeof toolChoice === "object" ? tools.find(({ name }) => name === toolChoice.name) : undefined;
  const tool = named ?? tools[Math.floor(pick * tools.length)];
  if (!tool) return undefined;
  const id = `call_${request.endpoint}_${request.number}_${toolRounds}`;
  return { id, name: tool.name, arguments: JSON.stringify(exampleArguments(tool.parameters, random)) };
}

/** Cuts text as a tokenizer would: some four characters a token. */
function fragments(text: string): string[] {
  const found: string[] = [];
  const characters = Array.from(text);
  for (let i = 0; i < characters.length; i += 4) found.push(characters.slice(i, i + 4).join(""));
  return found;
}
