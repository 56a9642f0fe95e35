// Three ways for an action to take its turn: writes one after the other, reads at once, concurrent ones side by side.
//
//   node -C mettle-source examples/agents/concurrency.ts
//
// Prints:
//   while the order is written, a read sees: []
//   written in order: ["first","second"]
//   the quicker quote ends first: ["slow asked","quick asked","quick: 2","slow: 1"]
import { createRuntime, defineAction, defineAgent } from "@mettle/agents";

interface Log {
  readonly lines: readonly string[];
}

const doors = new Map<string, () => void>();
const door = (name: string): Promise<void> => new Promise((resolve) => doors.set(name, resolve));

const clerk = defineAgent({
  name: "clerk",
  state: (): Log => ({ lines: [] }),
  actions: {
    // A write that awaits: later writes wait for it, so what it returns cannot undo theirs.
    file: defineAction({
      run: async (state: Log, line: string) => {
        if (line === "first") await door(line);
        return { state: { lines: [...state.lines, line] } };
      },
    }),
    // A concurrent action waits for nobody. It returns what to change, not what is to be.
    quote: defineAction({
      mode: "concurrent",
      run: async (_state: Log, { name, price }: { name: string; price: number }) => {
        await door(name);
        return { update: (latest: Log) => ({ lines: [...latest.lines, `${name}: ${price}`] }) };
      },
    }),
    clear: defineAction({ run: (_state: Log, lines: readonly string[]) => ({ state: { lines } }) }),
    lines: defineAction({ mode: "read", run: (state: Log) => ({ reply: state.lines }) }),
  },
});

await using runtime = createRuntime();
const agent = runtime.spawn(clerk);

const first = agent.ask({ type: "file", data: "first" });
const second = agent.ask({ type: "file", data: "second" });
console.log(`while the order is written, a read sees: ${JSON.stringify(await agent.ask({ type: "lines" }))}`);
doors.get("first")?.();
await Promise.all([first, second]);
console.log(`written in order: ${JSON.stringify(await agent.ask({ type: "lines" }))}`);

await agent.ask({ type: "clear", data: ["slow asked", "quick asked"] });
const slow = agent.ask({ type: "quote", data: { name: "slow", price: 1 } });
const quick = agent.ask({ type: "quote", data: { name: "quick", price: 2 } });
await agent.ask({ type: "lines" }); // behind both: they have begun
doors.get("quick")?.();
await quick;
doors.get("slow")?.();
await slow;
console.log(`the quicker quote ends first: ${JSON.stringify(await agent.ask({ type: "lines" }))}`);
