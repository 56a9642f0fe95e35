// One agent step on LangGraph.js: a graph of one node, its input validated by its annotation. Run by ../run.ts.
import { ASKS, asks, order, rounds } from "../round.ts";

interface LangGraph {
  readonly Annotation: { (): unknown; Root(fields: Record<string, unknown>): unknown };
  readonly StateGraph: new (state: unknown) => Graph;
  readonly START: string;
  readonly END: string;
}
interface Graph {
  addNode(name: string, node: (state: { readonly total: number; readonly by: number }) => { total: number }): Graph;
  addEdge(from: string, to: string): Graph;
  compile(): { invoke(input: { readonly total: number; readonly by: number }): Promise<unknown> };
}

const { Annotation, StateGraph, START, END } = (await import("@langchain/langgraph")) as unknown as LangGraph;
const graph = new StateGraph(Annotation.Root({ total: Annotation(), by: Annotation() }))
  .addNode("step", ({ total, by }) => ({ total: total + by }))
  .addEdge(START, "step")
  .addEdge("step", END)
  .compile();

await rounds(async () => ({ step: await asks(ASKS / 200, () => graph.invoke({ total: 1, by: 1 })) }), order().count, 2);
process.exit(0);
